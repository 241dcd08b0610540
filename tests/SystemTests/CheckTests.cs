using System.Globalization;
using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>CHECK notices whatever is no longer as ADD made it, and nothing else.</summary>
public class CheckTests
{
    private const string Table = "egress-router-net1";

    private static readonly int[] _differs = [102];

    private static readonly Dictionary<string, Mutation> _mutations = new()
    {
        ["the address is gone"] = new(lab => Lab.Batch(lab.Pod, "address del 192.168.12.99/24 dev net1"), "192.168.12.99"),
        ["the link is down"] = new(lab => Lab.Batch(lab.Pod, "link set net1 down"), "net1"),
        ["the link is gone"] = new(lab => Lab.Batch(lab.Pod, "link del net1"), "net1"),
        ["the MTU has changed"] = new(lab => Lab.Batch(lab.Pod, "link set net1 mtu 1400"), "mtu"),
        ["the default route is gone"] = new(lab => Lab.Batch(lab.Pod, "route del default"), "default"),
        ["the default route is another"] = new(lab => Lab.Batch(lab.Pod, "route replace default via 10.129.2.1 dev eth0"), "default"),
        ["the gateway's route is gone"] = new(lab => Lab.Batch(lab.Pod, "route del 192.168.12.1 dev net1"), "192.168.12.1"),
        ["the table is flushed"] = new(lab => Lab.In(lab.Pod, "nft", "flush", "table", "inet", Table), Table, "rule", "chain"),
        ["the table is gone"] = new(lab => Lab.In(lab.Pod, "nft", "delete", "table", "inet", Table), Table),
        ["a destination is gone"] = new(lab => Lab.In(lab.Pod, "nft", "delete", "element", "inet", Table, "ports_ip", "{ tcp . 8080 : 203.0.113.26 . 80 }"), "8080"),
        ["a destination is another"] = new(lab => Lab.In(lab.Pod, "nft", $$"""
            delete element inet {{Table}} ports_ip { tcp . 8080 : 203.0.113.26 . 80 }
            add element inet {{Table}} ports_ip { tcp . 8080 : 203.0.113.66 . 80 }
            """), "8080"),
        ["the cluster interface does not forward"] = new(lab => Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/eth0/forwarding", "0"), "forwarding"),
    };

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

    [RootFact]
    public void Notices_each_rule_that_is_gone()
    {
        using var lab = new Lab();
        int count = 1;
        for (int index = 0; index < count; index++)
        {
            JsonObject result = lab.Add(Config.ThreeDestinations);
            JsonNode[] rules = [.. JsonNode.Parse(Lab.In(lab.Pod, "nft", "-j", "-a", "list", "table", "inet", Table))!["nftables"]!.AsArray()
                .Select(entry => entry!["rule"])
                .OfType<JsonNode>()
                // A rule that only bears a comment is DEL's memory; what it said cannot be known without it.
                .Where(rule => rule["comment"] is null)];
            Assert.NotEmpty(rules);
            count = rules.Length;

            string chain = (string)rules[index]["chain"]!;
            string handle = ((int)rules[index]["handle"]!).ToString(CultureInfo.InvariantCulture);
            Lab.In(lab.Pod, "nft", "delete", "rule", "inet", Table, chain, "handle", handle);
            lab.Check(Config.ThreeDestinations, result).AssertErrorNaming(_differs, "rule", chain);
            lab.Delete(Config.ThreeDestinations);
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
            Lab.Batch(lab.Pod, $"rule del pref {rules[index]["priority"]} fwmark {rules[index]["fwmark"]}/{rules[index]["fwmask"]} lookup {rules[index]["table"]}");
            lab.Check(Config.Redirect, result).AssertErrorNaming(_differs, "rule");
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
            lab.Check(Config.Redirect, result).AssertErrorNaming(_differs, tables[index], "route");
            lab.Delete(Config.Redirect);
            lab.PodSnapshot().AssertSameAs(before);
        }
    }

    [RootFact]
    public void Notices_everything_at_once()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        Lab.Batch(lab.Pod, """
            link set net1 mtu 1400
            route del default
            """);
        string text = lab.Check(Config.Redirect, result).AssertError(_differs);
        Assert.Contains("mtu", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("default", text, StringComparison.OrdinalIgnoreCase);
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
        lab.Check(Config.Redirect, result).AssertErrorNaming(_differs, "net1");
    }

    /// <summary>The rules that choose a way by the mark of the connection.</summary>
    private static JsonNode[] MarkRules(Lab lab) =>
        [.. JsonNode.Parse(Lab.In(lab.Pod, "ip", "-4", "-j", "rule"))!.AsArray().OfType<JsonNode>().Where(rule => rule["fwmark"] is not null)];

    private sealed record Mutation(Action<Lab> Change, params string[] Nouns);
}
