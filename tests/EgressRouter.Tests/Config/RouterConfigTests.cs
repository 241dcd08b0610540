using System.Text.Json;
using EgressRouter.Config;
using Netlink.Routing;
using Shared;

namespace EgressRouter.Tests.Config;

public class RouterConfigTests
{
    public static TheoryData<string> ValidFiles => ConfigText.Names("testdata", "config", "valid");

    public static TheoryData<string> InvalidFiles => ConfigText.Names("testdata", "config", "invalid");

    public static TheoryData<string> ExampleFiles => ConfigText.Names("cni-conf-examples");

    [Theory]
    [MemberData(nameof(ValidFiles))]
    public void A_valid_configuration_is_read(string name)
    {
        ConfigResult result = ConfigText.ParseFile("testdata", "config", "valid", name + ".json");
        Assert.Empty(result.Errors);
        Assert.NotNull(result.Config);
        Golden.Verify(ConfigText.Print(result), "config", "valid", name);
    }

    [Theory]
    [MemberData(nameof(InvalidFiles))]
    public void Every_fault_is_named_with_its_place(string name)
    {
        ConfigResult result = ConfigText.ParseFile("testdata", "config", "invalid", name + ".json");
        Assert.NotEmpty(result.Errors);
        Assert.Null(result.Config);
        Golden.Verify(ConfigText.Print(result), "config", "invalid", name);
    }

    [Theory]
    [MemberData(nameof(ExampleFiles))]
    public void Every_example_is_valid_and_without_a_warning(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Repository.PathOf("cni-conf-examples", name + ".json")));
        // A runtime adds the pod's name, and an address if the configuration lets it request one.
        ConfigResult result = RouterConfig.Parse(
            document.RootElement,
            document.RootElement.TryGetProperty("capabilities", out _)
                ? [new("K8S_POD_NAME", "web-0"), new("IP", "192.168.12.99/24")]
                : [new("K8S_POD_NAME", "web-0")]);
        Assert.Empty(result.Errors);
        Assert.Empty(result.Warnings);
        Golden.Verify(ConfigText.Print(result), "config", "examples", name);
    }

    [Fact]
    public void Every_example_is_in_the_table()
    {
        string table = File.ReadAllText(Repository.PathOf("cni-conf-examples", "README.md"));
        foreach (string file in Directory.GetFiles(Repository.PathOf("cni-conf-examples"), "*.json"))
        {
            string name = Path.GetFileName(file);
            Assert.Contains($"| [{name}]({name}) |", table, StringComparison.Ordinal);
        }
    }

    /// <summary>Both are measured in this run: comparing each with each, ten times as many would take a hundred times as long.</summary>
    [Fact]
    public void The_time_grows_with_the_destinations_and_not_with_their_square()
    {
        const int few = 1_000;
        using JsonDocument small = JsonDocument.Parse(WithDestinations(Ports(few)));
        using JsonDocument large = JsonDocument.Parse(WithDestinations(Ports(few * 10)));
        (double fewest, double most) = (double.MaxValue, double.MaxValue);
        for (int i = 0; i < 20; i++)
        {
            fewest = Math.Min(fewest, Time(small, few));
            most = Math.Min(most, Time(large, few * 10));
        }

        Assert.True(most < fewest * 40, $"{most} ms for ten times what takes {fewest} ms");

        static IEnumerable<string> Ports(int count) => Enumerable.Range(1, count).Select(port => $"{port} tcp 203.0.113.26 80");

        static double Time(JsonDocument document, int count)
        {
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            Assert.Equal(count, RouterConfig.Parse(document.RootElement).Config!.Destinations.Length);
            return System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    [Fact]
    public void As_many_overlaps_as_there_can_be_are_found_in_little_time()
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        ConfigResult result = ConfigText.Parse(WithDestinations(Enumerable.Repeat("1-65535 udp 203.0.113.26", 20_000)));
        Assert.Equal(19_999, result.Errors.Length);
        // Usually less than a second; comparing each with each would take minutes.
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void Overlaps_are_those_that_comparing_all_pairs_finds()
    {
        var random = new Random(9);
        for (int i = 0; i < 500; i++)
        {
            PortDestination[] ports = [.. Enumerable.Range(0, 12).Select(_ => RandomPorts(random))];
            string[] expected = [.. ports.Index()
                .Where(item => ports[..item.Index].Any(earlier => Overlap(earlier, item.Item)))
                .Select(item => $"ip.destinations[{item.Index}]")];
            ConfigResult result = ConfigText.Parse(WithDestinations(ports.Select(port => port.ToString())));
            Assert.Equal(expected, result.Errors.Select(fault => fault.Path.ToString()));
        }

        static bool Overlap(PortDestination a, PortDestination b) =>
            a.Protocol == b.Protocol && a.FirstPort <= b.LastPort && b.FirstPort <= a.LastPort;

        static PortDestination RandomPorts(Random random)
        {
            int first = random.Next(1, 60);
            return new PortDestination(
                random.Next(2) == 0 ? TransportProtocol.Tcp : TransportProtocol.Sctp,
                (ushort)first,
                (ushort)(first + (random.Next(2) * random.Next(8))),
                System.Net.IPAddress.Parse("203.0.113.26"),
                null);
        }
    }

    [Fact]
    public void No_change_of_one_character_throws()
    {
        var random = new Random(3);
        string folder = Repository.PathOf("testdata", "config");
        string[] seeds = [.. Directory.GetFiles(folder, "*.json", SearchOption.AllDirectories).Order().Select(File.ReadAllText)];
        int read = 0;
        for (int i = 0; i < 20_000; i++)
        {
            char[] text = seeds[i % seeds.Length].ToCharArray();
            text[random.Next(text.Length)] = "0\"{}[],:x.\\ n"[random.Next(13)];
            try
            {
                ConfigResult result = ConfigText.Parse(new string(text));
                Assert.Equal(result.Config is null, !result.Errors.IsEmpty);
                Assert.All(result.Errors, fault => Assert.DoesNotContain(fault.ToString(), char.IsControl));
                read++;
            }
            catch (JsonException)
            {
                // The text is no longer JSON.
            }
        }

        Assert.InRange(read, 2_000, 20_000);
    }

    [Theory]
    [InlineData("""{"ip":{"addresses":["~"],"destinations":["80 tcp ~"],"gateway":"~","fallbackIP":"~"},"~":"~","log_file":"/~","dns":{"domain":"~","~":1}}""", 6)]
    [InlineData("""{"podIP":{"~":"~"},"ipConfig":"~","interfaceType":"~","interfaceArgs":{"master":"~","mode":"~","mtu":"~"},"ipam":{"type":"~"}}""", 8)]
    [InlineData("\"~\"", 1)]
    public void Bytes_that_are_not_UTF8_are_faults_like_others(string json, int faults)
    {
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(json);
        bytes.AsSpan().Replace((byte)'~', (byte)0xff);
        using JsonDocument document = JsonDocument.Parse(bytes);
        Assert.Equal(faults, RouterConfig.Parse(document.RootElement).Errors.Length);
        Assert.Null(LogSettings.Read(document.RootElement).File);
    }

    [Fact]
    public void No_document_at_all_is_a_fault() =>
        Assert.Equal(
            "network configuration: expected object, got nothing",
            Assert.Single(RouterConfig.Parse(default).Errors).ToString());

    [Fact]
    public void The_lists_of_a_configuration_are_never_uninitialised()
    {
        var config = new RouterConfig();
        Assert.Empty(config.Addresses);
        Assert.Empty(config.Gateways);
        Assert.Empty(config.Destinations);
        Assert.Equal(new Macvlan(MacvlanMode.Bridge), config.Kind);
    }

    private static string WithDestinations(IEnumerable<string> destinations) =>
        """{"ip":{"addresses":["192.168.12.99/24"],"destinations":["""
        + string.Join(',', destinations.Select(text => $"\"{text}\"")) + "]}}";
}
