using System.Text.Json.Nodes;

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
        JsonObject result = lab.Add(Json());
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
        JsonObject result = lab.Add(Json());
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
    public void A_list_that_is_not_understood_removes_nothing()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Json());
        string json = Json().Replace("\"cni.dev/valid-attachments\":[]", "\"cni.dev/valid-attachments\":{}", StringComparison.Ordinal);
        lab.Run("GC", json).AssertErrorNaming([7], "cni.dev/valid-attachments is not a list");
        lab.Check(Json(), result).AssertSilentSuccess();
    }

    /// <summary>The reference library leaves out the key of an empty list.</summary>
    [RootFact]
    public void A_list_that_is_left_out_is_an_empty_one()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Json());
        Collect(lab, Json().Replace("cni.dev/valid-attachments", "cni.dev/something", StringComparison.Ordinal));
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Nothing of one pod, or of the plugin, keeps the rest from being collected.</summary>
    [RootFact]
    public void The_IPAM_plugin_is_asked_too_and_all_its_failures_are_told()
    {
        using var lab = new Lab();
        using var other = new Lab();
        lab.See(other);
        using var plugin = new FakeIpam();
        Snapshot[] before = [lab.PodSnapshot(), other.PodSnapshot()];
        lab.Add(Json());
        other.Add(Json());
        plugin.Write("""echo '{"code":11,"msg":"busy with '$CNI_COMMAND'"}'; exit 1""");
        string message = lab.Run("GC", WithIpam("fake"), with: ("CNI_PATH", plugin.Folder)).AssertError(11);
        Assert.Equal((2, 1),
            (message.Split("IPAM plugin fake: busy with DEL").Length - 1, message.Split("IPAM plugin fake: busy with GC").Length - 1));
        Assert.Equal(["DEL", "DEL", "GC"], plugin.Asked);
        lab.PodSnapshot().AssertSameAs(before[0]);
        other.PodSnapshot().AssertSameAs(before[1]);
    }

    /// <summary>
    /// As the DEL of that attachment would have asked it: on the node, when the address is nobody's any more; dhcp while it is.
    /// </summary>
    [RootTheory]
    [InlineData("fake", "gone")]
    [InlineData("dhcp", "there")]
    public void The_IPAM_plugin_gets_what_the_DEL_of_the_attachment_would_give_it(string name, string link)
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam(name);
        plugin.Write("""
            [ $CNI_COMMAND = DEL ] || exit 0
            cat > $0.stdin
            env | grep ^CNI_ | sort > $0.env
            readlink /proc/self/ns/net > $0.namespace
            nsenter --net=$CNI_NETNS ip link show $CNI_IFNAME >/dev/null 2>&1 && echo there > $0.link || echo gone > $0.link
            """);
        lab.Add(Json());
        lab.Run(
            "GC", WithIpam(name), "net7", ("CNI_PATH", plugin.Folder), ("CNI_ARGS", "A=b"), ("CNI_NETNS", "/nowhere"),
            ("CNI_CONTAINERID", "another")).AssertSuccess();
        string Said(string what) => File.ReadAllText(Path.Combine(plugin.Folder, $"{name}.{what}")).Trim();
        Assert.Equal(
            $"CNI_COMMAND=DEL\nCNI_CONTAINERID={Lab.ContainerId}\nCNI_IFNAME=net1\nCNI_NETNS={Lab.PathOf(lab.Pod)}\nCNI_PATH={plugin.Folder}", Said("env"));
        Assert.Equal(Lab.In(lab.Node, "readlink", "/proc/self/ns/net").Trim(), Said("namespace"));
        Assert.Equal(link, Said("link"));
        Assert.Contains($"\"ipam\":{{\"type\":\"{name}\"}}", Said("stdin"), StringComparison.Ordinal);
        Assert.DoesNotContain("attachments", Said("stdin"), StringComparison.Ordinal);
    }

    /// <summary>Debian's host-local, which knows of versions up to 1.0.0 and so nothing of GC.</summary>
    [RootFact]
    public void The_address_of_a_stale_attachment_goes_back_and_that_of_another_stays()
    {
        using var lab = new Lab();
        using var other = new Lab();
        using var plugin = new FakeIpam("host-local");
        plugin.Write("""[ $CNI_COMMAND = GC ] || sed 's/"1[.]1[.]0"/"1.0.0"/' | /usr/lib/cni/host-local""");
        Snapshot pod = lab.PodSnapshot();
        string json = WithIpam("host-local", $$$""","dataDir":"{{{plugin.Folder}}}","ranges":[[{"subnet":"192.168.12.0/24","rangeStart":"192.168.12.70","rangeEnd":"192.168.12.72","gateway":"192.168.12.1"}]]""");
        string[] Reserved() =>
            [.. Directory.GetFiles(Path.Combine(plugin.Folder, _network), "192.*").Select(file => Path.GetFileName(file))
                .Order(StringComparer.Ordinal)];
        lab.Add(json, with: ("CNI_PATH", plugin.Folder));
        JsonObject result = other.Add(json, "net1", ("CNI_PATH", plugin.Folder), ("CNI_CONTAINERID", "another"));
        Assert.Equal(["192.168.12.70", "192.168.12.71"], Reserved());

        json = Config.Changed(json, config => config["cni.dev/valid-attachments"] = JsonNode.Parse("""[{"containerID":"another","ifname":"net1"}]"""));
        lab.Run(
            "GC", json, "net1", ("CNI_PATH", plugin.Folder), ("CNI_CONTAINERID", null), ("CNI_NETNS", null),
            ("CNI_IFNAME", null)).AssertSuccess();
        Assert.Equal(["192.168.12.71"], Reserved());
        lab.PodSnapshot().AssertSameAs(pod);
        Assert.Equal("192.168.12.71/24", (string?)result["ips"]![0]!["address"]);
        Assert.Contains("192.168.12.71/24", Lab.In(other.Pod, "ip", "address", "show", "net1"), StringComparison.Ordinal);
    }

    /// <summary>The plugin would be asked for another container: it is not asked, and that is told.</summary>
    [RootFact]
    public void A_container_that_is_not_remembered_whole_is_told()
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        plugin.Write("exit 0");
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Json(), "net1", ("CNI_CONTAINERID", new string('c', 300)));
        lab.Run("GC", WithIpam("fake"), with: ("CNI_PATH", plugin.Folder)).AssertErrorNaming(
            [103], "only the beginning and a hash of the container ID are saved: ccc");
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

    private string WithIpam(string type, string more = "") => Config.Changed(Json(), config =>
    {
        config["ipam"] = JsonNode.Parse($$"""{"type":"{{type}}"{{more}}}""");
        config["ip"] = new JsonObject();
    });

    private string Json(string key = "cni.dev/valid-attachments", string? container = null, string? interfaceName = null) => $$"""
        {"cniVersion":"1.1.0","type":"egress-router","name":"{{_network}}","ip":{"addresses":["192.168.12.99/24"],"gateway":"192.168.12.1"},
         "{{key}}":[{{(container is null ? "" : $$"""{"containerID":"{{container}}","ifname":"{{interfaceName}}"}""")}}]}
        """;
}
