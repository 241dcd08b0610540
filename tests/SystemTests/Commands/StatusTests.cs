using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>STATUS says whether ADD could be served now, and changes nothing to find it out.</summary>
public class StatusTests
{
    private const string Newest = "\"cniVersion\": \"1.1.0\"";

    private static readonly string _redirect = Config.Redirect.Replace("\"cniVersion\": \"0.4.0\"", Newest, StringComparison.Ordinal);

    /// <summary>STATUS is about the network: there is no container.</summary>
    private static readonly (string, string?)[] _network = [("CNI_CONTAINERID", null), ("CNI_NETNS", null), ("CNI_IFNAME", null)];

    public static TheoryData<string> Servable => [_redirect, With("""
        "ip":{"allowedAddresses":["192.168.12.0/24"]}
        """), With("""
        "podIP":{"web-*":{"addresses":["192.168.12.98/24"]},"db-*":{"allowedAddresses":["192.168.12.96/28"]}}
        """), Config.DualStack.Replace("\"cniVersion\": \"0.4.0\"", Newest, StringComparison.Ordinal)];

    [RootTheory]
    [MemberData(nameof(Servable))]
    public void Is_silent_where_ADD_would_work(string json)
    {
        using var lab = new Lab();
        Snapshot node = lab.NodeSnapshot();
        Status(lab, json).AssertSilentSuccess();
        lab.NodeSnapshot().AssertSameAs(node);
    }

    [RootFact]
    public void Names_a_parent_that_is_missing_or_down()
    {
        using var lab = new Lab();
        Status(lab, With("""
            "ip":{"addresses":["192.168.12.99/24"],"gateway":"192.168.12.1"},"interfaceArgs":{"master":"lan7"}
            """)).AssertErrorNaming([51], "interfaceArgs.master \"lan7\": the node has no link of this name");
        Lab.In(lab.Node, "ip", "link", "set", "lan0", "down");
        Status(lab, With("""
            "ip":{"addresses":["192.168.12.99/24"],"gateway":"192.168.12.1"},"interfaceArgs":{"master":"lan0"}
            """)).AssertErrorNaming([51], "the parent lan0 is down");
    }

    [RootFact]
    public void Names_a_gateway_that_cannot_be_inferred()
    {
        using var lab = new Lab();
        Lab.In(lab.Node, "ip", "route", "delete", "default");
        Status(lab, With("""
            "ip":{"addresses":["192.168.12.99/24"]}
            """)).AssertErrorNaming([50], "ip.gateway: is missing, and cannot be inferred");
    }

    [RootFact]
    public void Names_faults_of_the_configuration()
    {
        using var lab = new Lab();
        Status(lab, With("""
            "ip":{"addresses":["192.168.12.0/24"]}
            """)).AssertErrorNaming([7], "ip.addresses[0]");
        lab.Run("STATUS", Config.Redirect).AssertErrorNaming([1], "config version does not allow STATUS");
    }

    [RootFact]
    public void Names_privileges_that_are_missing()
    {
        using var lab = new Lab();
        lab.RunWithout("sys_admin", "STATUS", _redirect, _network).AssertErrorNaming(
            [50], "make a network namespace: Operation not permitted (EPERM)");
    }

    /// <summary>Nobody can be asked then, and ADD would fail.</summary>
    [RootFact]
    public void Names_what_conflict_detection_lacks()
    {
        using var lab = new Lab();
        string detecting = Config.Changed(_redirect, json => json["conflictDetection"] = "on");
        Status(lab, detecting).AssertSilentSuccess();
        lab.RunWithout("net_raw", "STATUS", detecting, _network).AssertErrorNaming(
            [50], "open a packet socket on lo: Operation not permitted (EPERM)");
        lab.RunWithout("net_raw", "STATUS", _redirect, _network).AssertSilentSuccess();

        Lab.Batch(lab.Lan, "link set node0 down");
        Status(lab, detecting).AssertErrorNaming([51], "the parent lan0 has no carrier");
        Status(lab, _redirect).AssertSilentSuccess();
    }

    [RootFact]
    public void Looks_at_every_entry_of_podIP()
    {
        using var lab = new Lab();
        string json = With("""
            "podIP":{"web-*":{"addresses":["192.168.12.98/24"]},"db-0":{"addresses":["172.16.0.9/24"]},"mail-*":{"allowedAddresses":["192.168.12.96/28"]}}
            """);
        Status(lab, json).AssertErrorNaming([50], "podIP.db-0.gateway: is missing, and cannot be inferred");
    }

    [RootFact]
    public void Names_a_kind_of_interface_that_the_kernel_lacks()
    {
        using var lab = new Lab();
        if (lab.HasKind("ipvlan"))
        {
            return;
        }

        Status(
            lab,
            Config.Changed(_redirect, json => json["interfaceType"] = "ipvlan")).AssertErrorNaming([50], "ipvlan is not in this kernel");
    }

    [RootFact]
    public void Asks_the_IPAM_plugin_too()
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        string json = With("""
            "ipam":{"type":"fake"}
            """);
        Status(lab, json).AssertErrorNaming([50], "IPAM plugin \"fake\" not found");
        plugin.Write("exit 0");
        lab.Run("STATUS", json, with: ("CNI_PATH", plugin.Folder)).AssertSilentSuccess();
        plugin.Write("""echo '{"code":50,"msg":"the pool is empty"}'; exit 1""");
        lab.Run("STATUS", json, with: ("CNI_PATH", plugin.Folder)).AssertErrorNaming([50], "IPAM plugin fake: the pool is empty");
    }

    private static CommandResult Status(Lab lab, string json) => lab.Run("STATUS", json, "net1", _network);

    private static string With(string members) => JsonNode.Parse($$"""{"cniVersion":"1.1.0","name":"n","type":"egress-router",{{members}}}""")!.ToJsonString();
}
