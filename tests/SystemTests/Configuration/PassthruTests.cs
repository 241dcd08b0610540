using System.Text.Json.Nodes;
using Shared;

namespace SystemTests;

/// <summary>A macvlan of mode passthru takes its parent from the node: only one that the node does not use.</summary>
public class PassthruTests
{
    private static readonly string _config = Config.Changed(config => config["interfaceArgs"] =
        new JsonObject { ["master"] = "own0", ["mode"] = "passthru", ["mac"] = "02:00:00:00:12:63" });

    [RootTheory]
    [InlineData("address 10.77.0.1", "address add 10.77.0.1/24 dev own0")]
    [InlineData("address 169.254.7.7", "address add 169.254.7.7/16 dev own0")]
    [InlineData("address 2001:db8:77::1", "address add 2001:db8:77::1/64 dev own0 nodad")]
    [InlineData("IPv4 default route", "-4 route add default dev own0 metric 500")]
    [InlineData("IPv6 default route", "-6 route add default via fe80::1 dev own0 metric 500")]
    public void What_the_node_uses_is_not_taken_from_it(string use, string command)
    {
        using Lab lab = WithLink();
        Lab.In(lab.Node, ["ip", .. command.Split(' ')]);
        Snapshot node = lab.NodeSnapshot();
        Snapshot pod = lab.PodSnapshot();
        string error = lab.Run("ADD", _config).AssertError([7]);
        Assert.Contains(
            $"interfaceArgs.mode \"passthru\": would take the parent own0 from the node, which uses it ({use})", error,
            StringComparison.Ordinal);
        lab.Delete(_config);
        lab.NodeSnapshot().AssertSameAs(node);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>A VLAN would have the node's address: this kernel has none, and a macvlan stands in for it.</summary>
    [RootFact]
    public void A_link_that_another_of_the_node_stands_on_is_not_taken()
    {
        using Lab lab = WithLink();
        Lab.In(lab.Node, "ip", "link", "add", "link", "own0", "name", "above0", "type", "macvlan", "mode", "bridge");
        Assert.Contains("which uses it (link above0)", lab.Run("ADD", _config).AssertError([7]), StringComparison.Ordinal);
    }

    /// <summary>The kernel's own fe80 address is no use. What becomes of the parent after ADD does not matter any more.</summary>
    [RootFact]
    public void A_link_that_the_node_does_not_use_is_taken_and_given_back()
    {
        using Lab lab = WithLink();
        Snapshot node = lab.NodeSnapshot();
        JsonObject result = lab.Add(_config);
        Assert.Contains("macvlan mode passthru", Lab.In(lab.Pod, "ip", "-d", "link", "show", "net1"), StringComparison.Ordinal);
        lab.Check(_config, result).AssertSilentSuccess();
        Lab.In(lab.Node, "ip", "address", "add", "10.77.0.1/24", "dev", "own0");
        lab.Check(_config, result).AssertSilentSuccess();
        Lab.In(lab.Node, "ip", "address", "delete", "10.77.0.1/24", "dev", "own0");
        lab.Delete(_config);
        lab.NodeSnapshot().AssertSameAs(node);
    }

    /// <summary>A second link of the node, which has nothing but the kernel's own address.</summary>
    private static Lab WithLink()
    {
        var lab = new Lab();
        Lab.In(lab.Node, "ip", "link", "add", "own0", "type", "veth", "peer", "name", "own1", "netns", lab.Lan);
        Lab.In(lab.Lan, "ip", "link", "set", "own1", "up");
        Lab.In(lab.Node, "ip", "link", "set", "own0", "up");
        // The kernel adds the address, and later its local route.
        Eventually.IsTrue(
            () => Lab.In(
                lab.Node, "ip", "-6", "route", "show", "table", "local", "type", "local", "dev",
                "own0").Contains("fe80::", StringComparison.Ordinal),
            "own0 has no address",
            seconds: 10);
        return lab;
    }
}
