using System.Text.Json.Nodes;
using SystemTests.Tools;

namespace SystemTests;

/// <summary>
/// What ADD inferred of the node stands in its result and in the router: whatever becomes of the node's addresses and routes,
/// a router that works is no other than it was made.
/// </summary>
public class ChangedNodeTests
{
    private static readonly int[] _differs = [102];

    private static readonly Dictionary<string, string> _changes = new()
    {
        ["other gateways"] = "-4 route replace default via 192.168.12.92\n-6 route replace default via 2001:db8:12::92 dev lan0",
        ["gateways of another subnet"] =
            "-4 address add 172.16.0.2/24 dev lan0\n-4 route replace default via 172.16.0.1\n-6 route replace default via 2001:db8:99::1 dev lan0 onlink",
        ["default routes by another link"] =
            "-4 route replace default via 172.17.0.1 dev lan1\n-6 route del default\n-6 route add default via fe80::7 dev lan1",
        ["no default routes"] = "-4 route del default\n-6 route del default",
        ["a shorter prefix"] =
            "-4 address add 192.168.12.10/16 dev lan0\n-4 address del 192.168.12.10/24 dev lan0\n-4 route replace default via 192.168.12.1",
        ["a longer prefix, by which it is a broadcast address"] = "-4 address add 192.168.12.97/30 dev lan0",
        ["no addresses"] = "address flush dev lan0",
        ["the subnet on another link"] =
            "address flush dev lan0\naddress add 192.168.12.10/24 dev lan1\n-4 route replace default via 192.168.12.1\naddress add 2001:db8:12::10/64 dev lan1 nodad",
        ["the parent is called otherwise"] = "link set lan0 down\nlink set lan0 name uplink0\nlink set uplink0 up",
    };

    public static TheoryData<string> Changes => [.. _changes.Keys];

    [RootTheory]
    [MemberData(nameof(Changes))]
    public void A_router_that_works_is_reported_as_such(string what)
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Inferring);
        Change(lab, what);
        lab.Check(Inferring, result).AssertSilentSuccess();

        CommandResult status = Tool.OnPod(lab, Inferring, "status");
        Assert.True(status is { ExitCode: 0, Stderr: "" }, status.ToString());
        CommandResult repair = Tool.OnPod(lab, Inferring, "repair", "--dry-run");
        Assert.True(repair is { ExitCode: 0, Stderr: "" } && !repair.Stdout.Contains("route", StringComparison.Ordinal), repair.ToString());
        Assert.DoesNotContain("pod: IPv", Tool.OnPod(lab, Inferring, "probe", "--timeout", "100").Stdout, StringComparison.Ordinal);
    }

    /// <summary>What has really changed is still found, with the node as it is now.</summary>
    [RootTheory]
    [InlineData("other gateways", "-4 route del default", "IPv4 route default via 192.168.12.1 dev net1 is missing")]
    [InlineData("no default routes", "-6 route del default", "IPv6 route default via 2001:db8:12::1 dev net1 metric 1024 is missing")]
    [InlineData("no addresses", "-6 address del 2001:db8:12::99/64 dev net1", "address 2001:db8:12::99/64 is missing")]
    [InlineData("default routes by another link", "link del net1", "link net1 is missing")]
    public void A_difference_is_found(string what, string alteration, string difference)
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Inferring);
        Change(lab, what);
        Lab.In(lab.Pod, ["ip", .. alteration.Split(' ')]);
        lab.Check(Inferring, result).AssertErrorNaming(_differs, difference);
        if (difference != "link net1 is missing")
        {
            // With the link all went that could tell a gateway.
            Assert.Contains(difference, Tool.OnPod(lab, Inferring, "status").Stdout, StringComparison.Ordinal);
        }
    }

    /// <summary>What the configuration names is compared, and the link is told by its name.</summary>
    [RootFact]
    public void What_is_named_still_counts()
    {
        using var lab = new Lab();
        AddSecondLink(lab);
        JsonObject result = lab.Add(Inferring);
        string named = Config.Changed(Inferring, json => json["interfaceArgs"] = new JsonObject { ["master"] = "lan1" });
        lab.Check(named, result).AssertErrorNaming(_differs, "link net1: parent is lan0, not lan1");
        Assert.Contains("link net1: parent is lan0, not lan1", Tool.OnPod(lab, named, "status").Stdout, StringComparison.Ordinal);

        string gateway = Config.Changed(Inferring, json => json["ip"]!["gateways"] = new JsonArray("192.168.12.92"));
        lab.Check(gateway, result).AssertErrorNaming(_differs, "IPv4 route default via 192.168.12.92 dev net1 table 15841 is missing");
        string length = Config.Changed(Inferring, json => json["ip"]!["addresses"]![0] = "192.168.12.99/25");
        lab.Check(length, result).AssertErrorNaming(_differs, "address 192.168.12.99 has prefix length 24, not 25");
    }

    /// <summary>The interface went with its parent: that is a difference, and no fault of the configuration.</summary>
    [RootTheory]
    [InlineData(null)]
    [InlineData("lan0")]
    public void A_parent_that_is_gone_is_a_difference(string? master)
    {
        using var lab = new Lab();
        string config = Config.Changed(
            Inferring, json => json["interfaceArgs"] = master is null ? null : new JsonObject { ["master"] = master });
        JsonObject result = lab.Add(config);
        Lab.Batch(lab.Node, "link del lan0");
        lab.Check(config, result).AssertErrorNaming(_differs, "link net1 is missing");
    }

    /// <summary>repair to another configuration infers for addresses that the router has not had.</summary>
    [RootFact]
    public void Another_configuration_is_inferred_anew()
    {
        using var lab = new Lab();
        AddSecondLink(lab);
        Lab.Batch(lab.Node, "route replace default nexthop via 192.168.12.1 dev lan0 nexthop via 172.17.0.1 dev lan1");
        lab.Add(Inferring);
        string other = Config.Changed(Inferring, json => json["ip"] = new JsonObject { ["addresses"] = new JsonArray("172.17.0.99") });
        CommandResult repair = Tool.OnPod(lab, other, "repair");
        Assert.True(repair.ExitCode == 0, repair.ToString());
        Assert.Contains("default via 172.17.0.1 dev net1", Lab.In(lab.Pod, "ip", "-4", "route"), StringComparison.Ordinal);
        Assert.Contains("172.17.0.99/24", Lab.In(lab.Pod, "ip", "address", "show", "dev", "net1"), StringComparison.Ordinal);
    }

    /// <summary>A virtual address that the node gets or loses later is no fault of the pod.</summary>
    [RootFact]
    public void Addresses_that_the_node_gets_and_loses_later_do_not_worry_CHECK()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.DualStack);
        Lab.In(lab.Node, "ip", "address", "add", "192.168.12.200/32", "dev", "lan0");
        lab.Check(Config.DualStack, result).AssertSilentSuccess();
        Lab.In(lab.Node, "ip", "address", "del", "2001:db8:12::10/64", "dev", "lan0");
        lab.Check(Config.DualStack, result).AssertSilentSuccess();
        lab.Delete(Config.DualStack);
    }

    /// <summary>Both families, and nothing but addresses and destinations named.</summary>
    private static string Inferring { get; } = Config.ChangedDualStack(json =>
    {
        json["ip"]!["addresses"] = new JsonArray("192.168.12.99", "2001:db8:12::99");
        json["ip"]!.AsObject().Remove("gateways");
    });

    private static void Change(Lab lab, string what)
    {
        AddSecondLink(lab);
        foreach (string command in _changes[what].Split('\n'))
        {
            Lab.In(lab.Node, ["ip", .. command.Split(' ')]);
        }
    }

    private static void AddSecondLink(Lab lab) =>
        Lab.Batch(
            lab.Node, "link add lan1 type veth peer name lan1p\nlink set lan1 up\nlink set lan1p up\naddress add 172.17.0.2/24 dev lan1");
}
