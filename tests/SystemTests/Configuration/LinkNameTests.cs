using System.Text.Json.Nodes;
using SystemTests.Tools;

namespace SystemTests;

/// <summary>Links are told by their names, and a parent is found by any name that it has.</summary>
public class LinkNameTests
{
    /// <summary>As long as the kernel takes one (ALTIFNAMSIZ without the NUL).</summary>
    private static readonly string _longest = new('n', 127);

    public static TheoryData<string> Names => ["uplink", "enp0s31f6np0-of-the-rack", _longest];

    [RootTheory]
    [MemberData(nameof(Names))]
    public void A_parent_by_an_alternative_name(string name)
    {
        using var lab = new Lab();
        Lab.In(lab.Node, "ip", "link", "property", "add", "dev", "lan0", "altname", name);
        string config = WithParent(name);
        Snapshot pod = lab.PodSnapshot();
        lab.Run("STATUS", config, "net1", ("CNI_CONTAINERID", null), ("CNI_NETNS", null), ("CNI_IFNAME", null)).AssertSilentSuccess();
        Assert.Contains("on the node's link lan0", Tool.On(lab, config, "explain", "--node", "-").Stdout, StringComparison.Ordinal);
        JsonObject result = lab.Add(config);
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
        lab.Check(config, result).AssertSilentSuccess();
        Assert.Equal(0, Tool.OnPod(lab, config, "status").ExitCode);
        Assert.Equal(0, Tool.OnPod(lab, config, "repair").ExitCode);
        lab.Delete(config);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void An_alternative_name_that_no_link_has()
    {
        using var lab = new Lab();
        lab.Run("ADD", WithParent(_longest)).AssertErrorNaming([7], "the node has no link of this name");
        lab.Run("ADD", WithParent(_longest + "n")).AssertErrorNaming([7], "an interface name has 1 to 127 bytes");
    }

    /// <summary>The kernel refuses: the parent is a port of a bridge.</summary>
    [RootTheory]
    [InlineData("lan0")]
    [InlineData(null)]
    public void A_parent_that_takes_no_interface(string? master)
    {
        using var lab = new Lab();
        Lab.Batch(lab.Node, "link add br7 type bridge\nlink set lan0 master br7");
        lab.Run("ADD", WithParent(master)).AssertErrorNaming([100], "create macvlan net1 on parent lan0: the parent is in use");
    }

    /// <summary>An interface that somebody has put in the place of ours.</summary>
    [RootFact]
    public void A_parent_that_is_another()
    {
        using var lab = new Lab();
        string config = WithParent("lan0");
        JsonObject result = lab.Add(config);
        Lab.Batch(lab.Node, "link add lan1 type veth peer name lan1p\nlink set lan1 up\nlink set lan1p up");
        Lab.Batch(lab.Pod, "link del net1");
        Lab.Batch(lab.Node, $"link add link lan1 name net1 netns {lab.Pod} group 17746 type macvlan mode bridge");
        lab.Check(config, result).AssertErrorNaming([102], "parent is lan1, not lan0");
        Assert.Contains("parent is lan1, not lan0", Tool.OnPod(lab, config, "probe", "--timeout", "100").Stdout, StringComparison.Ordinal);
        Assert.Contains("create macvlan net1 on parent lan0", Tool.OnPod(lab, config, "repair").Stdout, StringComparison.Ordinal);
    }

    private static string WithParent(string? name) => Config.Changed(json =>
    {
        json["cniVersion"] = "1.1.0";
        json["interfaceArgs"] = name is null ? null : new JsonObject { ["master"] = name };
    });
}
