namespace SystemTests;

/// <summary>Without the egress interface nothing goes out another way.</summary>
public class FailClosedTests
{
    [RootTheory]
    [InlineData("link del net1")]
    [InlineData("link set net1 down")]
    public void Traffic_does_not_fall_back_to_the_cluster_interface(string change)
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));

        using var cluster = Capture.Cluster(lab);
        Lab.Batch(lab.Pod, change);
        Lab.AssertNoAnswers(
            lab.Client,
            (Protocol.Tcp, Lab.PodAddress, 80, null),
            (Protocol.Tcp, Lab.PodAddress, 80, Lab.FarClient),
            (Protocol.Udp, Lab.PodAddress, 53, null),
            (Protocol.Udp, Lab.PodAddress, 5000, Lab.FarClient),
            (Protocol.Tcp, Lab.PodAddress6, 80, null),
            (Protocol.Tcp, Lab.PodAddress6, 80, Lab.FarClient6),
            (Protocol.Udp, Lab.PodAddress6, 5000, null));
        string[] outside = ["192.168.12.91", "203.0.113.25", "192.168.12.1", "2001:db8:12::91", "2001:db8:113::25"];
        Lab.AssertNoAnswers(lab.Pod, outside.SelectMany(address => ((Protocol, string, int, string?)[])
        [
            (Protocol.Tcp, address, 80, null),
            (Protocol.Udp, address, 80, address.Contains(':', StringComparison.Ordinal) ? Lab.PodAddress6 : Lab.PodAddress),
        ]));

        IReadOnlyList<Frame> frames = cluster.Frames();
        Assert.Contains(frames, frame => frame.Port == 5000);
        Assert.DoesNotContain(frames, frame => frame.Destination is { } to
            && (to.ToString().StartsWith("192.168.12.", StringComparison.Ordinal) || to.ToString()
                .StartsWith("203.0.113.", StringComparison.Ordinal)
                || to.ToString().StartsWith("2001:db8:", StringComparison.Ordinal)));
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
