using System.Globalization;
using System.Text.Json.Nodes;
using Shared;

namespace SystemTests;

/// <summary>Which connections go where.</summary>
public class DestinationTests
{
    public static TheoryData<string> Examples()
    {
        var files = new TheoryData<string>();
        string folder = Repository.PathOf("cni-conf-examples");
        if (Directory.Exists(folder))
        {
            files.AddRange(
                [.. Directory.EnumerateFiles(folder, "*.json").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)]);
        }

        return files;
    }

    [RootTheory]
    [MemberData(nameof(Examples))]
    public void Example_file_can_be_added_checked_and_deleted(string file)
    {
        using var lab = new Lab();
        string config = File.ReadAllText(Repository.PathOf("cni-conf-examples", file));
        DirectoryInfo logs = Directory.CreateTempSubdirectory("er-log-");
        JsonObject json = JsonNode.Parse(config)!.AsObject();
        bool isLogged = json.ContainsKey("log_file");
        string log = Path.Combine(logs.FullName, "log");
        if (isLogged)
        {
            // Not where the example says: that is this machine's.
            json["log_file"] = log;
            config = json.ToJsonString();
        }

        if (json["ipam"] is JsonObject ipam)
        {
            ipam["dataDir"] = Path.Combine(logs.FullName, "ipam");
            config = json.ToJsonString();
        }

        if (json["capabilities"]?["ips"] is not null)
        {
            // What the runtime makes of the pod's annotation.
            json["runtimeConfig"] = new JsonObject { ["ips"] = new JsonArray("192.168.12.99/24"), ["mac"] = "02:00:00:00:12:99" };
            config = json.ToJsonString();
        }

        (string, string?)[] runtime = [("CNI_PATH", "/usr/lib/cni"),
            ("CNI_ARGS", "IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0")];

        try
        {
            Snapshot pod = lab.PodSnapshot();
            Snapshot node = lab.NodeSnapshot();

            if ((string?)json["interfaceType"] is string kind && !lab.HasKind(kind))
            {
                Assert.Contains(
                    $": {kind} is not in this kernel", lab.Run("ADD", config, "net1", runtime).AssertError(100),
                    StringComparison.Ordinal);
            }
            else
            {
                json["prevResult"] = lab.Add(config, "net1", runtime);
                lab.Run("CHECK", json.ToJsonString(), "net1", runtime).AssertSuccess();
            }

            lab.Run("DEL", config, "net1", runtime).AssertSuccess();

            lab.PodSnapshot().AssertSameAs(pod);
            lab.NodeSnapshot().AssertSameAs(node);
            Assert.Equal(isLogged, File.Exists(log) && new FileInfo(log).Length > 0);
        }
        finally
        {
            logs.Delete(recursive: true);
        }
    }

    [RootFact]
    public void Three_destinations_each_get_their_connections()
    {
        using var lab = new Lab();
        lab.Add(Config.ThreeDestinations);
        lab.Serve(Protocol.Udp, "10.100.3.0", 80);
        lab.Serve(Protocol.Tcp, "203.0.113.26", 80);
        lab.Serve(Protocol.Tcp, "203.0.113.27", 443);

        Assert.Equal(new Arrival("192.168.12.99", "10.100.3.0", 80), lab.Connect(Protocol.Udp, 80));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.26", 80), lab.Connect(Protocol.Tcp, 8080));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.27", 443), lab.Connect(Protocol.Tcp, 8443));
    }

    [RootFact]
    public void Port_that_is_not_listed_reaches_no_destination()
    {
        using var lab = new Lab();
        lab.Add(Config.ThreeDestinations);
        EchoServer[] servers =
        [
            lab.Serve(Protocol.Tcp, "203.0.113.26", 9999),
            lab.Serve(Protocol.Tcp, "203.0.113.27", 9999),
            lab.Serve(Protocol.Tcp, "10.100.3.0", 9999),
            lab.Serve(Protocol.Tcp, "10.100.3.0", 80),
            lab.Serve(Protocol.Udp, "203.0.113.26", 8080),
        ];

        lab.AssertNoAnswer(Protocol.Tcp, 9999);

        // The listed port of the other protocol.
        lab.AssertNoAnswer(Protocol.Tcp, 80);
        lab.AssertNoAnswer(Protocol.Udp, 8080);
        Assert.All(servers, server => Assert.Equal(0, server.Arrivals));
    }

    [RootFact]
    public void A_thousand_destinations_cost_what_ten_cost()
    {
        static IEnumerable<string> Destinations(int count) =>
            Enumerable.Range(1, count).Select(number =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{20000 + number} TCP 192.168.12.{90 + (2 * number / count) switch { 0 => 1, _ => 2 }} {80 + (number % 3)}"));

        using var lab = new Lab();
        lab.Add(Config.With(Destinations(10)));
        int rulesForTen = CountRules(lab);
        lab.Delete(Config.With(Destinations(10)));

        string config = Config.With(Destinations(1000));
        JsonObject result = lab.Add(config);
        Assert.Equal(rulesForTen, CountRules(lab));
        Assert.True(rulesForTen > 0);

        lab.Serve(Protocol.Tcp, "192.168.12.91", 81);
        lab.Serve(Protocol.Tcp, "192.168.12.92", 81);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 81), lab.Connect(Protocol.Tcp, 20001));
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.92", 81), lab.Connect(Protocol.Tcp, 21000));
        lab.Check(config, result).AssertSilentSuccess();
        lab.Delete(config);
    }

    [RootFact]
    public void Reaches_the_destination_by_the_gateway_when_it_is_in_another_network()
    {
        using var lab = new Lab();
        lab.Add(Config.With("203.0.113.25"));
        lab.Serve(Protocol.Tcp, "203.0.113.25", 80);
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.25", 80), lab.Connect(Protocol.Tcp, 80));
    }

    [RootTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Replies_find_a_client_in_another_subnet_whatever_rp_filter_says(int reversePathFilter)
    {
        using var lab = new Lab();
        string value = reversePathFilter.ToString(CultureInfo.InvariantCulture);
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/all/rp_filter", "0");
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/eth0/rp_filter", value);
        Snapshot before = lab.PodSnapshot();

        lab.Add(Config.Redirect);
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Udp, "192.168.12.91", 53);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80, source: Lab.FarClient));
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 53), lab.Connect(Protocol.Udp, 53, source: Lab.FarClient));

        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(before);
    }

    [RootFact]
    public void Replies_find_an_IPv6_client_in_another_subnet()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect6);
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        Assert.Equal(
            new Arrival("2001:db8:12::99", "2001:db8:12::91", 80),
            lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6, Lab.FarClient6));
    }

    [RootFact]
    public void A_neighbor_on_the_outside_cannot_pass_through_the_router()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);

        // Datagrams: one that arrives is counted, whether or not its answer would find a way back.
        using var server = EchoServer.Start(Lab.PathOf(lab.Client), Protocol.Udp, "10.129.2.1", 7000);
        Lab.Batch(lab.Lan, "route add 10.129.2.0/23 via 192.168.12.99");
        Assert.Null(EchoServer.Ask(Lab.PathOf(lab.Lan), Protocol.Udp, "10.129.2.1", 7000, null, TimeSpan.FromMilliseconds(700)));
        Assert.Equal(0, server.Arrivals);
    }

    [RootFact]
    public void A_client_cannot_use_the_router_to_reach_anything_else()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        EchoServer other = lab.Serve(Protocol.Tcp, "203.0.113.25", 80);
        EchoServer destination = lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Lab.Batch(lab.Client, "route add 203.0.113.25 via 10.129.2.31");
        lab.AssertNoAnswer(Protocol.Tcp, 80, "203.0.113.25");
        Assert.Equal(0, other.Arrivals);
        Assert.Equal(0, destination.Arrivals);
    }

    private static int CountRules(Lab lab) =>
        JsonNode.Parse(Lab.In(lab.Pod, "nft", "-j", "list", "table", "inet", "egress-router-net1"))!["nftables"]!.AsArray()
            .Count(entry => entry!["rule"] is not null);
}
