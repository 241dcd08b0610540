using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>What stands around a router, and changes: other marks, the node's addresses, a narrow cluster network.</summary>
public class SurroundingsTests
{
    /// <summary>A mesh that keeps a mark of its own in connections, and gives it back to packets on their way out.</summary>
    private const string ForeignMarks = """
        add table inet mesh
        add chain inet mesh in { type filter hook prerouting priority mangle; }
        add rule inet mesh in tcp dport 8080 ct mark set ct mark and 0xfffff000 or 0x111
        add chain inet mesh out { type route hook output priority mangle; }
        add rule inet mesh out meta mark set ct mark
        """;

    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Answers_of_the_pod_find_their_way_beside_foreign_marks(bool foreignFirst)
    {
        using var lab = new Lab();
        void LoadForeign() => Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], ForeignMarks + "\n");
        if (foreignFirst)
        {
            LoadForeign();
        }

        lab.Add(Config.With("80 tcp 192.168.12.91"));
        if (!foreignFirst)
        {
            LoadForeign();
        }

        lab.ServeIn(lab.Pod, Protocol.Tcp, Lab.PodAddress, 8080);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 8080));
        Assert.NotNull(lab.Connect(Protocol.Tcp, 8080, source: Lab.FarClient));
    }

    /// <summary>Whoever comes in by an attachment is answered by it, also where the pod's default route is another's.</summary>
    [RootFact]
    public void Inbound_connections_of_each_attachment_are_answered_by_it()
    {
        using var lab = new Lab();
        string Allowing(string address) => Config.Changed(config =>
        {
            config["inbound"] = "allow";
            config["ip"]!["addresses"] = new JsonArray(address + "/24");
            config["ip"]!["destinations"] = new JsonArray();
        });
        lab.Add(Allowing("192.168.12.99"), "net1");
        lab.Add(Allowing("192.168.12.98"), "net2");
        lab.ServeIn(lab.Pod, Protocol.Tcp, "0.0.0.0", 8080);
        foreach (string address in (string[])["192.168.12.99", "192.168.12.98"])
        {
            Assert.NotNull(Lab.Ask(lab.Lan, Protocol.Tcp, address, 8080));
            Assert.NotNull(Lab.Ask(lab.Lan, Protocol.Tcp, address, 8080, source: "203.0.113.25"));
        }
    }

    [RootTheory]
    [InlineData("destinations", "6443 tcp 192.168.12.10")]
    [InlineData("gateway", "192.168.12.10")]
    public void An_address_of_the_parent_is_refused_where_it_could_never_answer(string key, string value)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        string config = Config.Changed(json => json["ip"]![key] = key == "gateway" ? value : new JsonArray(value));
        lab.Run("ADD", config).AssertErrorNaming([7], $"ip.{key} \"{value}\": is an address of the parent lan0");
        lab.PodSnapshot().AssertSameAs(pod);
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

    /// <summary>An overlay has a smaller MTU than the outside, also for clients that are far away.</summary>
    [RootFact]
    public void Segments_fit_the_cluster_network_of_far_clients()
    {
        using var lab = new Lab();
        Lab.In(lab.Pod, "ip", "link", "set", "eth0", "mtu", "1400");
        lab.Add(Config.DualStack);
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        using var outside = Capture.Outside(lab);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80, source: Lab.FarClient));
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6, Lab.FarClient6));
        Assert.Equal([1340, 1360], outside.Frames().Where(frame => frame.TcpFlags == 2).Select(frame => frame.Mss).Distinct().Order());
    }

    /// <summary>A source that a program in the pod has chosen among the egress addresses is the one that is seen.</summary>
    [RootFact]
    public void A_source_that_the_pod_chose_stays()
    {
        string[] egress = ["192.168.12.95", "192.168.12.96", "192.168.12.97", "192.168.12.98", "192.168.12.99"];
        using var lab = new Lab();
        lab.Add(
            Config.Changed(json => json["ip"]!["addresses"] = new JsonArray([.. egress.Select(address => (JsonNode)(address + "/24"))])));
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Assert.All(egress, address => Assert.Equal(address, Lab.Ask(lab.Pod, Protocol.Tcp, "192.168.12.91", 80, address)?.Source));
    }

    /// <summary>Rules and routes gone, forwarding still on: what an interrupted DEL can leave. Nothing leaves otherwise.</summary>
    [RootFact]
    public void Without_its_rules_a_redirected_connection_does_not_leave_by_the_cluster_network()
    {
        using var lab = new Lab();
        lab.Add(Config.With("80 tcp 203.0.113.26"));
        Lab.Batch(lab.Pod, """
            rule del priority 1001
            rule del priority 1001
            route replace default via 10.129.2.1 dev eth0
            """);
        using var cluster = Capture.Cluster(lab);
        lab.AssertNoAnswer(Protocol.Tcp, 80);
        Assert.DoesNotContain(cluster.Frames(), frame => frame.TcpFlags == 2 && frame.Destination?.ToString() == "203.0.113.26");
    }
}
