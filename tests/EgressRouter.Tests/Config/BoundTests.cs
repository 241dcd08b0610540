using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cni;
using EgressRouter.Config;
using Shared;

namespace EgressRouter.Tests.Config;

/// <summary>The limits of a configuration: a list at its limit is parsed quickly, and one more item is one fault.</summary>
public partial class BoundTests
{
    /// <summary>A path, its limit, and a function that makes a configuration with that many items.</summary>
    public static TheoryData<string, object, Func<int, JsonObject>> Lists => new()
    {
        { "ip.addresses", Bounds.Addresses,
            count => With("ip", new JsonObject { ["addresses"] = Addresses(count), ["gateway"] = "10.255.0.1" }) },
        { "ip.allowedAddresses", Bounds.Allowed, count => With("ip", Ip("allowedAddresses", Addresses(count, "32"))) },
        { "ip.destinations", Bounds.Destinations, count => With("ip", Ip("destinations", Many(count, Destination))) },
        { "ip.destinationsText", Bounds.Destinations,
            count => With("ip", Ip("destinationsText", string.Join('\n', Enumerable.Range(0, count).Select(Destination)))) },
        { "podIP", Bounds.Pods,
            count => Without(
                "ip",
                With("podIP",
                    new JsonObject(Enumerable.Range(0,
                        count).Select(number => KeyValuePair.Create($"pod{number}*", (JsonNode?)Ip())).Append(new("*", Ip())).Skip(1)),
                            ("K8S_POD_NAME", "pod"))) },
        { "dns.nameservers", Bounds.Dns, count => With("dns", new JsonObject { ["nameservers"] = Many(count, _ => "10.0.0.1") }) },
        { "dns.search", Bounds.Dns, count => With("dns", new JsonObject { ["search"] = Many(count, number => $"a{number}.example") }) },
        { "dns.options", Bounds.Dns, count => With("dns", new JsonObject { ["options"] = Many(count, _ => "ndots:5") }) },
        { "dns.domain", Bounds.DnsWord, count => With("dns", new JsonObject { ["domain"] = new string('a', count) }) },
        { "dns.search[0]", Bounds.DnsWord, count => With("dns", new JsonObject { ["search"] = new JsonArray(new string('a', count)) }) },
        { "runtimeConfig.ips", Bounds.Requested, count => Asking("runtimeConfig", new JsonObject { ["ips"] = Addresses(count) }) },
        { "args.cni.ips", Bounds.Requested,
            count => Asking("args", new JsonObject { ["cni"] = new JsonObject { ["ips"] = Addresses(count) } }) },
        { "CNI_ARGS.IP", Bounds.Requested,
            count => Asking("mtu", null, ("IP", string.Join(',', Addresses(count).Select(text => (string)text!)))) },
        { "CNI_ARGS", Bounds.Arguments,
            count => With("mtu", null, [.. Enumerable.Range(0, count).Select(number => ($"K8S_{number}", "x"))]) },
    };

    [Theory]
    [MemberData(nameof(Lists))]
    public void As_much_as_the_bound_is_read_and_one_more_is_one_fault(string place, object tested, Func<int, JsonObject> make)
    {
        var bound = (Bound)tested;
        long start = Stopwatch.GetTimestamp();
        ConfigResult most = ConfigText.Parse(make(bound.Most).ToJsonString());
        Assert.Empty(most.Errors);
        ConfigResult more = ConfigText.Parse(make(bound.Most + 1).ToJsonString());
        Assert.Contains($"{place}: {bound.Most + 1} {bound.Unit}; at most {bound.Most}", more.Errors.Select(fault => fault.ToString()));
        Assert.Equal(place is "runtimeConfig.ips" or "args.cni.ips" or "CNI_ARGS.IP" ? 2 : 1, more.Errors.Length);
        // Usually far less: the limit is for a busy machine.
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void An_IPAM_plugin_gives_no_more_than_may_be_written()
    {
        RouterConfig config = ConfigText.ParseFile("cni-conf-examples", "ipam-host-local.json").Config!;
        CniIp[] ips = [.. Enumerable.Range(0, Bounds.FromIpam.Most + 1)
            .Select(number => new CniIp(IPAddress.Parse(Address(number)), 8, IPAddress.Parse("10.255.0.1"), 0))];
        Assert.Empty(config.With([.. ips.Skip(1)]).Errors);
        Assert.Equal(
            $"the result of IPAM plugin host-local: {Bounds.FromIpam.Most + 1} entries; at most {Bounds.FromIpam.Most}",
            Assert.Single(config.With([.. ips]).Errors).ToString());
    }

    /// <summary>Only the paths of faults are kept: those of all values would take gigabytes.</summary>
    [Fact]
    public void A_warning_about_a_deep_configuration_costs_no_memory()
    {
        JsonNode deep = new JsonArray([.. Enumerable.Range(0, 200_000).Select(_ => (JsonNode?)1)]);
        for (int i = 0; i < 28; i++)
        {
            deep = new JsonObject { [new string((char)('a' + i % 26), 80)] = deep };
        }

        string json = With("deep", deep).ToJsonString();
        long before = GC.GetAllocatedBytesForCurrentThread();
        ConfigResult result = ConfigText.Parse(json);
        long used = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal("deep: unknown key", Assert.Single(result.Warnings).ToString());
        Assert.InRange(used, 0, 50_000_000);
    }

    /// <summary>docs/configuration.md has the code's table.</summary>
    [Fact]
    public void The_reference_has_every_bound_and_no_other()
    {
        string text = File.ReadAllText(Repository.PathOf("docs", "configuration.md"));
        string section = text[text.IndexOf("## Bounds", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("\n## ", 3, StringComparison.Ordinal)];
        Assert.Equal(
            Bounds.All.Select(bound => (bound.Place, $"{bound.Most:N0} {bound.Unit}")),
            Row().Matches(section).Skip(1).Select(
                row => (row.Groups[1].Value.Replace("`", "", StringComparison.Ordinal), row.Groups[2].Value)));
    }

    [GeneratedRegex(@"^\| (.+?) \| (.+?) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    private static string Address(int number) => $"10.{number / 62_500 + 1}.{number / 250 % 250}.{number % 250 + 1}";

    private static string Destination(int number) => $"{number % 25_000 + 1} {(number < 25_000 ? "tcp" : "udp")} 203.0.113.26";

    private static JsonArray Many(int count, Func<int, string> make) =>
        [.. Enumerable.Range(0, count).Select(number => (JsonNode?)make(number))];

    private static JsonArray Addresses(int count, string length = "8") => Many(count, number => $"{Address(number)}/{length}");

    private static JsonObject Ip(string? key = null, JsonNode? value = null)
    {
        var ip = new JsonObject { ["addresses"] = new JsonArray("192.168.12.99/24"), ["gateway"] = "192.168.12.1" };
        if (key is not null)
        {
            ip[key] = value;
        }

        return ip;
    }

    private static JsonObject With(string key, JsonNode? value, params (string Key, string Value)[] args)
    {
        var config = new JsonObject { ["cniVersion"] = "1.0.0", ["type"] = "egress-router", ["name"] = "many", ["ip"] = Ip() };
        config["cni.dev/test-args"] = new JsonObject(args.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));
        if (value is not null)
        {
            config[key] = value;
        }

        return config;
    }

    private static JsonObject Without(string key, JsonObject config)
    {
        config.Remove(key);
        return config;
    }

    /// <summary>A configuration without addresses must request one.</summary>
    private static JsonObject Asking(string key, JsonNode? value, params (string Key, string Value)[] args)
    {
        JsonObject config = With(key, value, args);
        config["ip"] = new JsonObject { ["allowedAddresses"] = new JsonArray("10.0.0.0/8"), ["gateway"] = "10.255.0.1" };
        return config;
    }
}
