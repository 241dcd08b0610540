using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>A macvlan of mode passthru has its parent for itself: one that the node uses is refused before anything is made.</summary>
public class PassthruTests
{
    private static readonly string _config = Config.Changed(Config.Redirect, json => json["interfaceArgs"] = new JsonObject { ["master"] = "lan0", ["mode"] = "passthru", ["mac"] = "02:00:00:00:12:99" });

    [RootTheory]
    [InlineData("2001:db8:12::10/64", "192.168.12.10")]
    [InlineData("192.168.12.10/24", "2001:db8:12::10")]
    public void A_parent_with_an_address_of_the_node_is_refused(string gone, string left)
    {
        using var lab = new Lab();
        Lab.Batch(lab.Node, $"address del {gone} dev lan0");
        AssertRefused(lab, $"the parent lan0 has the node's address {left}");
    }

    [RootTheory]
    [InlineData("-4")]
    [InlineData("-6")]
    public void A_parent_with_a_default_route_of_the_node_is_refused(string family)
    {
        using var lab = new Lab();
        Flush(lab);
        Lab.In(lab.Node, "ip", family, "route", "add", "default", "dev", "lan0");
        AssertRefused(lab, "the parent lan0 has a default route of the node");
    }

    [RootFact]
    public void A_parent_of_its_own_is_taken_and_gets_its_hardware_address_back()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Flush(lab);
        string before = HardwareAddress(lab);
        JsonObject result = lab.Add(_config);
        Assert.Equal("02:00:00:00:12:99", HardwareAddress(lab));
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        lab.Check(_config, result).AssertSilentSuccess();
        lab.Delete(_config);
        Assert.Equal(before, HardwareAddress(lab));
    }

    private static void AssertRefused(Lab lab, string reason)
    {
        string before = HardwareAddress(lab);
        Snapshot pod = lab.PodSnapshot();
        lab.Run("ADD", _config).AssertErrorNaming([7], "interfaceArgs.mode", "passthru", "would take the node off the network", reason);
        lab.PodSnapshot().AssertSameAs(pod);
        Assert.Equal(before, HardwareAddress(lab));
    }

    /// <summary>What is left are the addresses that every link has.</summary>
    private static void Flush(Lab lab)
    {
        Lab.Batch(lab.Node, "address flush dev lan0 scope global");
        Lab.In(lab.Node, "ip", "-6", "route", "del", "default");
    }

    private static string HardwareAddress(Lab lab) => JsonNode.Parse(Lab.In(lab.Node, "ip", "-j", "link", "show", "lan0"))![0]!["address"]!.GetValue<string>();
}
