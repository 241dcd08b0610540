using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shared;

namespace SystemTests;

/// <summary>CHECK notices whatever is no longer as ADD made it, and nothing else.</summary>
public class CheckTests
{
    private const string Table = "egress-router-net1";

    private static readonly int[] _differs = [102];

    private static readonly Dictionary<string, Mutation> _mutations = new()
    {
        ["the address is gone"] = new(
            lab => Lab.Batch(lab.Pod, "address del 192.168.12.99/24 dev net1"), "address 192.168.12.99/24 is missing"),
        ["the link is down"] = new(lab => Lab.Batch(lab.Pod, "link set net1 down"), "link net1: state is down, not up"),
        ["the link is gone"] = new(lab => Lab.Batch(lab.Pod, "link del net1"), "link net1 is missing"),
        ["the default route is gone"] = new(
            lab => Lab.Batch(lab.Pod, "route del default"), "IPv4 route default via 192.168.12.1 dev net1 is missing"),
        ["the default route is another"] = new(
            lab => Lab.Batch(lab.Pod, "route replace default via 10.129.2.1 dev eth0"),
            "IPv4 route default via 192.168.12.1 dev net1 is missing", "IPv4 route default via 10.129.2.1 dev eth0 should not be there"),
        ["the gateway's route is gone"] = new(
            lab => Lab.Batch(lab.Pod, "route del 192.168.12.1 dev net1"), "IPv4 route 192.168.12.1 dev net1 is missing"),
        ["the table is flushed"] = new(
            lab => Lab.In(lab.Pod, "nft", "flush", "table", "inet", Table), $"nftables table {Table}: rule of chain "),
        ["the table is gone"] = new(
            lab => Lab.In(lab.Pod, "nft", "delete", "table", "inet", Table), $"nftables table {Table} is missing"),
        ["a destination is gone"] = new(
            lab => Lab.In(lab.Pod, "nft", "delete", "element", "inet", Table, "ports_ip", "{ tcp . 8080 : 203.0.113.26 . 80 }"),
            $"nftables table {Table}: map ports_ip: element tcp . 8080 : 203.0.113.26 . 80 is missing"),
        ["a destination is another"] = new(lab => Lab.In(lab.Pod, "nft", $$"""
            delete element inet {{Table}} ports_ip { tcp . 8080 : 203.0.113.26 . 80 }
            add element inet {{Table}} ports_ip { tcp . 8080 : 203.0.113.66 . 80 }
            """),
            $"nftables table {Table}: map ports_ip: element tcp . 8080 : 203.0.113.26 . 80 is missing",
            "map ports_ip: element tcp . 8080 : 203.0.113.66 . 80 is not ours"),
        ["the cluster interface does not forward"] = new(
            lab => Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/eth0/forwarding", "0"),
            "sysctl net/ipv4/conf/eth0/forwarding is 0, not 1"),
    };

    /// <summary>With both families and two addresses; each with words that only its own difference has.</summary>
    private static readonly Dictionary<string, Mutation> _wholeMutations = new()
    {
        ["the second address is gone"] = new(
            lab => Lab.Batch(lab.Pod, "address del 192.168.12.99/24 dev net1"), "address 192.168.12.99/24 is missing"),
        ["the IPv6 address is gone"] = new(
            lab => Lab.Batch(lab.Pod, "address del 2001:db8:12::99/64 dev net1"), "address 2001:db8:12::99/64 is missing"),
        ["the IPv6 default route is gone"] = new(
            lab => Ip(lab, "-6 route del default via 2001:db8:12::1 dev net1"), "IPv6 route default via 2001:db8:12::1 dev net1"),
        ["the IPv6 default route of the cluster is back"] = new(
            lab => Ip(lab, "-6 route add default via fd00:10:129::1 dev eth0 metric 10"), "IPv6 route default via fd00:10:129::1 dev eth0"),
        ["the IPv6 egress table is empty"] = new(
            lab => Ip(lab, $"-6 route flush table {TableOf(lab, 1)}"), "IPv6 route default via 2001:db8:12::1"),
        ["the IPv6 return table is empty"] = new(
            lab => Ip(lab, $"-6 route flush table {TableOf(lab, 2)}"), "IPv6 route default via fd00:10:129::1"),
        ["the last resort of the egress table is gone"] = new(
            lab => Lab.Batch(lab.Pod, $"route del unreachable default table {TableOf(lab, 1)} metric 4294967295"),
            "IPv4 route unreachable"),
        ["the rule for the node's address is gone"] = new(
            lab => Ip(lab, "-4 rule del pref 999"), "IPv4 routing rule 999: to 192.168.12.10"),
        ["the rule for the node's IPv6 address is gone"] = new(
            lab => Ip(lab, "-6 rule del pref 999"), "IPv6 routing rule 999: to 2001:db8:12::10"),
        ["a rule for a client's mark is another"] = new(
            lab => Ip(lab, $"-6 rule add pref 1001 fwmark 0x7/0xffff0000 lookup {TableOf(lab, 1)}"), "IPv6 routing rule 1001"),
        ["inbound is open"] = new(lab => Lab.In(lab.Pod, "nft", "flush", "chain", "inet", Table, "inbound"), "chain inbound"),
        ["the guard is open"] = new(lab => Lab.In(lab.Pod, "nft", "flush", "chain", "inet", Table, "guard"), "chain guard"),
        ["the guard accepts another address"] = new(
            lab => Lab.In(lab.Pod, "nft", "insert", "rule", "inet", Table, "guard", "ip saddr 192.168.12.97 accept"), "chain guard"),
        ["everything is forwarded"] = new(
            lab => Lab.In(lab.Pod, "nft", "chain", "inet", Table, "forward", "{ policy accept; }"), "chain forward"),
        ["something more is forwarded"] = new(
            lab => Lab.In(lab.Pod, "nft", "insert", "rule", "inet", Table, "forward", "accept"), "chain forward"),
    };

    private static readonly string[] _sysctls =
    [
        "net/ipv4/conf/net1/accept_redirects", "net/ipv4/conf/net1/proxy_arp", "net/ipv4/conf/net1/arp_ignore",
        "net/ipv4/conf/net1/arp_announce",
        "net/ipv4/conf/net1/forwarding", "net/ipv4/conf/net1/rp_filter", "net/ipv4/conf/eth0/forwarding", "net/ipv4/conf/eth0/rp_filter",
        "net/ipv6/conf/net1/accept_ra", "net/ipv6/conf/net1/autoconf", "net/ipv6/conf/net1/accept_redirects",
        "net/ipv6/conf/net1/addr_gen_mode",
        "net/ipv6/conf/net1/disable_ipv6", "net/ipv6/conf/all/forwarding",
    ];

    public static TheoryData<string> WholeMutations() => [.. _wholeMutations.Keys];

    public static TheoryData<string> Sysctls() => [.. _sysctls];

    public static TheoryData<string> Mutations() => [.. _mutations.Keys];

    [RootFact]
    public void Is_silent_after_add()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        for (int round = 0; round < 5; round++)
        {
            lab.Check(Config.Redirect, result).AssertSilentSuccess();
        }
    }

    [RootFact]
    public void Changes_nothing()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        Snapshot pod = lab.PodSnapshot();
        lab.Check(Config.Redirect, result);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootTheory]
    [MemberData(nameof(Mutations))]
    public void Notices_that(string what)
    {
        Mutation mutation = _mutations[what];
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.ThreeDestinations);
        lab.Check(Config.ThreeDestinations, result).AssertSilentSuccess();

        mutation.Change(lab);
        lab.Check(Config.ThreeDestinations, result).AssertErrorNaming(_differs, mutation.Nouns);

        // The namespace's switch for forwarding is on for a reason that DEL cannot know once someone else has changed it.
        if (what != "the cluster interface does not forward")
        {
            lab.Delete(Config.ThreeDestinations);
            Assert.DoesNotContain(Table, Lab.In(lab.Pod, "nft", "list", "tables"), StringComparison.Ordinal);
            Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
        }
    }

    [RootTheory]
    [MemberData(nameof(WholeMutations))]
    public void Names_exactly_what_differs(string what)
    {
        Mutation mutation = _wholeMutations[what];
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        JsonObject result = lab.Add(Config.TwoAddresses);
        lab.Check(Config.TwoAddresses, result).AssertSilentSuccess();
        mutation.Change(lab);
        lab.Check(Config.TwoAddresses, result).AssertErrorNaming(_differs, mutation.Nouns);
        lab.Delete(Config.TwoAddresses);
        lab.PodSnapshot().AssertSameAs(
            pod, except: what.EndsWith("of the cluster is back", StringComparison.Ordinal) ? "IPv6 routes" : null);
    }

    [RootTheory]
    [MemberData(nameof(Sysctls))]
    public void Names_the_kernel_parameter_that_differs(string path)
    {
        using var lab = new Lab();
        // Strict, so that it is changed.
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/eth0/rp_filter", "1");
        // A filter of net1 matters where the pod's own routes to a destination lead elsewhere.
        Lab.Batch(lab.Pod, "route add 192.168.12.91 via 10.129.2.1 dev eth0");
        JsonObject result = lab.Add(Config.TwoAddresses);
        string was = Lab.In(lab.Pod, "cat", "/proc/sys/" + path).Trim();
        Lab.WriteSysctl(lab.Pod, path, was == "0" ? "1" : "0");
        lab.Check(Config.TwoAddresses, result).AssertErrorNaming(_differs, $"sysctl {path} is ");
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Notices_each_rule_that_is_gone(bool whole)
    {
        string config = whole ? Config.TwoAddresses : Config.ThreeDestinations;
        using var lab = new Lab();
        int count = 1;
        for (int index = 0; index < count; index++)
        {
            JsonObject result = lab.Add(config);
            JsonNode[] rules = [.. JsonNode.Parse(Lab.In(lab.Pod, "nft", "-j", "-a", "list", "table", "inet",
                Table))!["nftables"]!.AsArray()
                .Select(entry => entry!["rule"])
                .OfType<JsonNode>()
                // A rule that only bears a comment is DEL's memory; what it said cannot be known without it.
                .Where(rule => rule["comment"] is null)];
            Assert.NotEmpty(rules);
            count = rules.Length;

            string chain = (string)rules[index]["chain"]!;
            string handle = ((int)rules[index]["handle"]!).ToString(CultureInfo.InvariantCulture);
            Lab.In(lab.Pod, "nft", "delete", "rule", "inet", Table, chain, "handle", handle);
            lab.Check(config, result).AssertErrorNaming(_differs, $"nftables table {Table}: rule of chain {chain} is missing");
            lab.Delete(config);
        }
    }

    [RootFact]
    public void Notices_each_routing_rule_that_is_gone()
    {
        using var lab = new Lab();
        int count = 1;
        for (int index = 0; index < count; index++)
        {
            JsonObject result = lab.Add(Config.Redirect);
            JsonNode[] rules = MarkRules(lab);
            Assert.NotEmpty(rules);
            count = rules.Length;
            Lab.Batch(
                lab.Pod,
                $"rule del pref {rules[index]["priority"]} fwmark {rules[index]["fwmark"]}/{rules[index]["fwmask"]} lookup {rules[index]["table"]}");
            lab.Check(Config.Redirect, result).AssertErrorNaming(_differs, $"IPv4 routing rule {rules[index]["priority"]}: ", "is missing");
            lab.Delete(Config.Redirect);
        }
    }

    [RootFact]
    public void Notices_each_table_of_routes_that_is_gone()
    {
        using var lab = new Lab();
        Snapshot before = lab.PodSnapshot();
        int count = 1;
        for (int index = 0; index < count; index++)
        {
            JsonObject result = lab.Add(Config.Redirect);
            string[] tables = [.. MarkRules(lab).Select(rule => (string)rule["table"]!).Where(table => table != "main").Distinct()];
            Assert.NotEmpty(tables);
            count = tables.Length;
            Lab.Batch(lab.Pod, $"route flush table {tables[index]}");
            lab.Check(Config.Redirect, result).AssertErrorNaming(_differs, "IPv4 route ", $" table {tables[index]} is missing");
            lab.Delete(Config.Redirect);
            lab.PodSnapshot().AssertSameAs(before);
        }
    }

    [RootFact]
    public void Notices_everything_at_once()
    {
        using var lab = new Lab();
        string config = Config.Changed(json =>
        {
            json["cniVersion"] = "1.1.0";
            json["interfaceArgs"] = new JsonObject { ["mtu"] = 1400 };
        });
        JsonObject result = lab.Add(config);
        Lab.Batch(lab.Pod, """
            link set net1 mtu 1500
            route del default
            """);
        string text = lab.Check(config, result).AssertError(_differs);
        Assert.Contains("mtu", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("default", text, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Tuning may have lowered it, and does not tell; a result that tells it, or the configuration, is the limit.</summary>
    [RootTheory]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void Notices_that_the_MTU_is_above_what_was_told(string version)
    {
        using var lab = new Lab();
        string config = Config.Changed(json =>
        {
            json["cniVersion"] = version;
            json["interfaceArgs"] = new JsonObject { ["mtu"] = 1400 };
        });
        JsonObject result = lab.Add(config);
        Lab.Batch(lab.Pod, "link set net1 mtu 1300");
        lab.Check(config, result).AssertSilentSuccess();
        Lab.Batch(lab.Pod, "link set net1 mtu 1450");
        lab.Check(config, result).AssertErrorNaming(_differs, "MTU is 1450, not 1400");
        if (version == "1.1.0")
        {
            result["interfaces"]![0]!["mtu"] = 1450;
            lab.Check(config, result).AssertSilentSuccess();
        }

        lab.Delete(config);
    }

    [RootFact]
    public void Tolerates_what_others_add()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        Lab.In(lab.Pod, "nft", "add table inet foreign; add chain inet foreign input { type filter hook input priority 0; }");
        lab.Check(Config.Redirect, result).AssertSilentSuccess();
        Lab.Batch(lab.Pod, "route add 172.30.0.0/16 via 10.129.2.1 dev eth0");
        lab.Check(Config.Redirect, result).AssertSilentSuccess();
        Lab.Batch(lab.Pod, "address add 10.129.2.32/23 dev eth0");
        lab.Check(Config.Redirect, result).AssertSilentSuccess();
    }

    [RootFact]
    public void Fails_before_add_and_after_del()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        lab.Delete(Config.Redirect);
        lab.Check(Config.Redirect, result).AssertErrorNaming(_differs, "link net1 is missing");
    }

    /// <summary>CNI specification, "CHECK": the result is required, and tells what has to be there.</summary>
    [RootFact]
    public void Needs_the_result_of_ADD_with_its_own_interface_and_addresses()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.DualStack);
        lab.Run("CHECK", Config.DualStack).AssertErrorNaming([7], "prevResult is missing");
        lab.Check(Config.DualStack, []).AssertErrorNaming(_differs, "prevResult has no interface net1");

        JsonObject lacking = result.DeepClone().AsObject();
        lacking["ips"]!.AsArray().RemoveAt(1);
        lab.Check(Config.DualStack, lacking).AssertErrorNaming(
            _differs, "1 difference from the configuration: prevResult has no address 2001:db8:12::99");

        JsonObject elsewhere = result.DeepClone().AsObject();
        elsewhere["interfaces"]![0]!.AsObject().Remove("sandbox");
        lab.Check(Config.DualStack, elsewhere).AssertErrorNaming(_differs, "prevResult has no interface net1");
    }

    /// <summary>The loop of docs/failover.md, over a file as libcni keeps it: the configuration, or the whole list.</summary>
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Is_run_by_the_documented_loop(bool isList)
    {
        string loop = Regex.Match(
            File.ReadAllText(Repository.PathOf("docs", "failover.md")), "```sh\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        string folder = Directory.CreateTempSubdirectory("results-").FullName;
        using var lab = new Lab();
        string config = Config.Changed(json => json["ip"]!["allowedAddresses"] = new JsonArray("192.168.12.98"));
        JsonObject result = lab.Add(config, with: ("CNI_ARGS", "IP=192.168.12.98/24;K8S_POD_NAME=web-0"));
        string network = !isList ? config : Config.Changed("{}", json =>
        {
            JsonObject plugin = JsonNode.Parse(config)!.AsObject();
            (json["name"], json["cniVersion"]) = ((string)plugin["name"]!, (string)plugin["cniVersion"]!);
            plugin.Remove("name");
            plugin.Remove("cniVersion");
            json["plugins"] = new JsonArray(new JsonObject { ["type"] = "bandwidth" }, plugin, new JsonObject { ["type"] = "tuning" });
        });
        var kept = new JsonObject
        {
            ["kind"] = "cniCacheV1",
            ["containerId"] = Lab.ContainerId,
            ["config"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(network)),
            ["ifName"] = "net1",
            ["networkName"] = "egress-router",
            ["netns"] = Lab.PathOf(lab.Pod),
            ["cniArgs"] = new JsonArray(new JsonArray("K8S_POD_NAME", "web-0")),
            ["capabilityArgs"] = new JsonObject { ["ips"] = new JsonArray("192.168.12.98/24") },
            ["result"] = result,
        };
        File.WriteAllText(Path.Combine(folder, $"egress-router-{Lab.ContainerId}-net1"), kept.ToJsonString());
        string script = loop.Replace("/var/lib/cni/multus/results", folder, StringComparison.Ordinal)
            .Replace("/opt/cni/bin", Path.GetDirectoryName(Lab.Plugin), StringComparison.Ordinal)
            .Replace("logger -t egress-router", "echo", StringComparison.Ordinal);
        Assert.Equal("", Lab.In(lab.Node, "sh", "-c", script));

        Lab.Batch(lab.Pod, "address del 192.168.12.98/24 dev net1");
        string found = Lab.In(lab.Node, "sh", "-c", script);
        Assert.Contains("address 192.168.12.98/24 is missing", found, StringComparison.Ordinal);
        Assert.Contains("CHECK failed: ", found, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>The rules that choose a way by the mark of the connection.</summary>
    private static JsonNode[] MarkRules(Lab lab) =>
        [.. JsonNode.Parse(Lab.In(lab.Pod, "ip", "-4", "-j", "rule"))!.AsArray().OfType<JsonNode>()
            .Where(rule => rule["fwmark"] is not null)];

    private static void Ip(Lab lab, string command) => Lab.In(lab.Pod, ["ip", .. command.Split(' ')]);

    /// <summary>The routing table of the egress (1) or of the return (2).</summary>
    private static string TableOf(Lab lab, int which) =>
        MarkRules(lab).Select(rule => (string)rule["table"]!).Distinct().Single(
            table => table != "main" && int.Parse(table, CultureInfo.InvariantCulture) % 4 == which);

    private sealed record Mutation(Action<Lab> Change, params string[] Nouns);
}
