using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>STATUS says whether ADD could be served now, and changes nothing to find it out.</summary>
public class StatusTests
{
    private const string Newest = "\"cniVersion\": \"1.1.0\"";

    private static readonly string _redirect = Config.Redirect.Replace("\"cniVersion\": \"0.4.0\"", Newest, StringComparison.Ordinal);

    public static TheoryData<string> Servable => [_redirect, With("""
        "ip":{"allowedAddresses":["192.168.12.0/24"]}
        """), With("""
        "podIP":{"web-*":{"addresses":["192.168.12.98/24"]}}
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
        CommandResult result = Command.Run(
            "nsenter",
            ["--net=" + Lab.PathOf(lab.Node), "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", Lab.Plugin],
            _redirect,
            new Dictionary<string, string> { ["CNI_COMMAND"] = "STATUS", ["CNI_PATH"] = "/nowhere", ["PATH"] = "/usr/bin:/usr/sbin" });
        result.AssertErrorNaming([50], "make a network namespace: Operation not permitted (EPERM)");
    }

    [RootFact]
    public void Asks_the_IPAM_plugin_too()
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        string json = With("""
            "ipam":{"type":"fake"}
            """);
        Status(lab, json).AssertErrorNaming([50], "there is no IPAM plugin \"fake\"");
        plugin.Write("exit 0");
        lab.Run("STATUS", json, with: ("CNI_PATH", plugin.Folder)).AssertSilentSuccess();
        plugin.Write("""echo '{"code":50,"msg":"the pool is empty"}'; exit 1""");
        lab.Run("STATUS", json, with: ("CNI_PATH", plugin.Folder)).AssertErrorNaming([50], "IPAM plugin fake: the pool is empty");
    }

    private static CommandResult Status(Lab lab, string json) =>
        lab.Run("STATUS", json, "net1", ("CNI_CONTAINERID", null), ("CNI_NETNS", null), ("CNI_IFNAME", null));

    private static string With(string members) => JsonNode.Parse($$"""{"cniVersion":"1.1.0","name":"n","type":"egress-router",{{members}}}""")!.ToJsonString();
}
