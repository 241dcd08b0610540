namespace SystemTests;

/// <summary>GC removes what belongs to its network and is not listed, and nothing else.</summary>
public class GarbageTests
{
    /// <summary>The namespaces of other tests are looked into as well: no other network has this name.</summary>
    private readonly string _network = "gc-" + Guid.NewGuid().ToString("n");

    [RootFact]
    public void What_is_not_listed_goes_and_the_pod_is_as_before()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        Snapshot node = lab.NodeSnapshot();
        lab.Add(Json());
        Collect(lab, Json());
        lab.PodSnapshot().AssertSameAs(pod);
        lab.NodeSnapshot().AssertSameAs(node);
        Collect(lab, Json());
    }

    [RootTheory]
    [InlineData("cni.dev/valid-attachments")]
    [InlineData("cni.dev/attachments")]
    public void What_is_listed_stays(string key)
    {
        using var lab = new Lab();
        System.Text.Json.Nodes.JsonObject result = lab.Add(Json());
        Collect(lab, Json(key, Lab.ContainerId, "net1"));
        lab.Check(Json(), result).AssertSilentSuccess();
    }

    [RootFact]
    public void Another_interface_of_the_container_does_not_keep_this_one()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Json());
        Collect(lab, Json("cni.dev/valid-attachments", Lab.ContainerId, "net2"));
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void Another_network_stays()
    {
        using var lab = new Lab();
        System.Text.Json.Nodes.JsonObject result = lab.Add(Json());
        Collect(lab, Json().Replace(_network, _network + "x", StringComparison.Ordinal));
        lab.Check(Json(), result).AssertSilentSuccess();
    }

    /// <summary>A comment of nf_tables holds less than a Kubernetes name may have.</summary>
    [RootFact]
    public void Names_of_any_length_are_told_apart()
    {
        using var lab = new Lab();
        string common = _network + new string('x', 300);
        string id = new('c', 300);
        lab.Add(Json().Replace(_network, common + "1", StringComparison.Ordinal), "net1", ("CNI_CONTAINERID", id + "1"));
        Collect(lab, Json("cni.dev/valid-attachments", id + "2", "net1").Replace(_network, common + "2", StringComparison.Ordinal));
        Assert.Contains("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
        Collect(lab, Json("cni.dev/valid-attachments", id + "1", "net1").Replace(_network, common + "1", StringComparison.Ordinal));
        Assert.Contains("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
        Collect(lab, Json("cni.dev/valid-attachments", id + "2", "net1").Replace(_network, common + "1", StringComparison.Ordinal));
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
    }

    [RootFact]
    public void A_missing_list_removes_nothing()
    {
        using var lab = new Lab();
        System.Text.Json.Nodes.JsonObject result = lab.Add(Json());
        string json = Json().Replace("cni.dev/valid-attachments", "cni.dev/something", StringComparison.Ordinal);
        lab.Run("GC", json).AssertErrorNaming([7], "cni.dev/valid-attachments is missing");
        lab.Check(Json(), result).AssertSilentSuccess();
    }

    [RootFact]
    public void The_IPAM_plugin_is_asked_too_and_its_failure_told()
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Json());
        plugin.Write("""echo '{"code":11,"msg":"busy"}'; exit 1""");
        string json = Json().Replace("\"ip\":", "\"ipam\":{\"type\":\"fake\"},\"ip\":", StringComparison.Ordinal);
        lab.Run("GC", json, with: ("CNI_PATH", plugin.Folder)).AssertErrorNaming([11], "IPAM plugin fake: busy");
        Assert.Equal(["GC"], plugin.Asked);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>A pod with CAP_NET_ADMIN can write into the table: what no ADD has written is not put back.</summary>
    [RootTheory]
    [InlineData("net/ipv4/conf/eth0/forwarding=abc")]
    [InlineData("net/ipv4/conf/eth0/forwarding=-1")]
    [InlineData("net/ipv4/conf/eth0/forwarding=99999999999")]
    [InlineData("net/ipv4/conf/all/rp_filter=1")]
    [InlineData("net/ipv4/conf/default/rp_filter=2")]
    public void A_memory_that_the_pod_has_made_up_stops_nothing(string line)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Json());
        Lab.In(lab.Pod, "nft", $"add rule inet egress-router-net1 restore counter comment \"{line}\"");
        Collect(lab, Json());
        lab.PodSnapshot().AssertSameAs(pod);
    }

    private static void Collect(Lab lab, string json) =>
        lab.Run("GC", json, "net1", ("CNI_CONTAINERID", null), ("CNI_NETNS", null), ("CNI_IFNAME", null)).AssertSuccess();

    private string Json(string key = "cni.dev/valid-attachments", string? container = null, string? interfaceName = null) => $$"""
        {"cniVersion":"1.1.0","type":"egress-router","name":"{{_network}}","ip":{"addresses":["192.168.12.99/24"],"gateway":"192.168.12.1"},
         "{{key}}":[{{(container is null ? "" : $$"""{"containerID":"{{container}}","ifname":"{{interfaceName}}"}""")}}]}
        """;
}
