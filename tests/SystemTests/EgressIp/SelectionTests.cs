using System.Net;
using System.Net.Sockets;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>Pods that get selected, or are no longer, while they have connections.</summary>
public class SelectionTests(ITestOutputHelper output)
{
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_open_when_a_pod_is_selected_never_leaves_with_the_address_of_the_node(bool isIPv6)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        LabPod pod = lab["a2"];
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        using var server = new TellingServer(lab.Out, isIPv6 ? EgressLab.Server6 : EgressLab.Server4);
        var watch = new ArrivalWatch(lab.Out);
        using var talk = new Talk(pod.Namespace, server, sends: true);
        using var pushed = new Talk(pod.Namespace, server, sends: false);
        using var datagrams = new DatagramFlow(pod.Namespace, server);
        Assert.Equal((EgressLab.NodeOf(pod, isIPv6), EgressLab.NodeOf(pod, isIPv6)), (talk.Source, pushed.Source));

        cluster.Label(pod, "web");
        UntilSource(pod, server, egress, cluster);
        watch.Forget();
        long held = lab.Counter(1, "held");
        Thread.Sleep(TimeSpan.FromSeconds(3));
        Assert.Equal([egress], watch.Packets().Keys.Append(egress).Distinct());
        // Whatever becomes of the connections, they do not go on.
        TalkResult end = talk.End();
        Assert.True(end.Fault is not null || end.Longest > TimeSpan.FromSeconds(2), $"{end}");
        Assert.True(lab.Counter(1, "held") > held || end.Fault is not null, "nothing was held");
        Assert.True(pushed.End() is { Fault: not null } or { Longest.TotalSeconds: > 2 }, "the server's connection goes on");
        // A flow of datagrams has no end. It may go on, with the egress address.
        output.WriteLine($"datagrams: {datagrams.Sources()}");
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pod_that_is_no_longer_selected_uses_the_egress_address_no_more(bool isIPv6)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        int holder = Assert.IsType<int>(cluster.HolderOf(egress));
        using var server = new TellingServer(lab.Out, isIPv6 ? EgressLab.Server6 : EgressLab.Server4);
        var watch = new ArrivalWatch(lab.Out);
        // One on the node that holds the address, one on another.
        foreach (LabPod pod in (LabPod[])[lab.PodOn(holder), lab.PodOn((holder % EgressLab.Nodes) + 1)])
        {
            using var talk = new Talk(pod.Namespace, server, sends: true);
            using var datagrams = new DatagramFlow(pod.Namespace, server);
            Assert.Equal(egress, talk.Source);
            cluster.Label(pod, "other");
            UntilSource(pod, server, EgressLab.NodeOf(pod, isIPv6), cluster);
            // The flow goes on with the address that new connections have, as soon as its connection is forgotten.
            Eventually.IsTrue(() => datagrams.Last == EgressLab.NodeOf(pod, isIPv6), () => $"datagrams: {datagrams.Sources()}");
            watch.Forget();
            Thread.Sleep(TimeSpan.FromSeconds(2));
            Assert.DoesNotContain(egress, watch.Packets().Keys);
            TalkResult end = talk.End();
            Assert.True(end.Fault is not null || end.Longest > TimeSpan.FromSeconds(1.5), $"{end}");
        }
    }

    [RootFact]
    public void A_new_pod_with_the_address_of_an_old_one_is_judged_by_its_own_labels()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        LabPod pod = lab["b1"];
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        cluster.Server.Delete("pods", pod.Name, "prod");
        cluster.AddPod("other", pod with { Name = "b2" }, "other");
        UntilSource(pod, server, EgressLab.NodeOf(pod, false), cluster);
        cluster.Server.Delete("pods", "b2", "other");
        cluster.AddPod("prod", pod with { Name = "b3" }, "web");
        UntilSource(pod, server, EgressCluster.Address4, cluster);
    }

    private static void UntilSource(LabPod pod, TellingServer server, string source, EgressCluster cluster)
    {
        string? seen = null;
        Eventually.IsTrue(
            () => (seen = Question.Ask(pod.Namespace, Transport.Tcp, server, seconds: 1)?.Source) == source,
            () => $"{pod.Name} is seen as {seen ?? "nobody"}, not {source}\n{cluster.Logs()}", 10);
    }

    /// <summary>Datagrams from one port to a server, all the time.</summary>
    private sealed class DatagramFlow : IDisposable
    {
        private readonly Socket _socket;

        private readonly Repeating _sending;

        private readonly List<string> _sources = [];

        public DatagramFlow(string space, TellingServer server)
        {
            var end = new IPEndPoint(IPAddress.Parse(server.Address), TellingServer.Port);
            _socket = NamespaceSocket.Open(space, end.AddressFamily, Transport.Udp);
            _socket.ReceiveTimeout = 20;
            _socket.Connect(end);
            _sending = new Repeating(Step);
        }

        /// <summary>Whom the server saw last; null: it never answered.</summary>
        public string? Last
        {
            get
            {
                lock (_sources)
                {
                    return _sources.LastOrDefault();
                }
            }
        }

        /// <summary>Whom it saw, one after the other.</summary>
        public string Sources()
        {
            lock (_sources)
            {
                return string.Join(" then ", _sources);
            }
        }

        public void Dispose()
        {
            _sending.Dispose();
            _socket.Dispose();
        }

        private void Step()
        {
            try
            {
                _socket.Send(new byte[1]);
                var buffer = new byte[100];
                if (Question.Read(buffer.AsSpan(0, _socket.Receive(buffer)), _socket) is Sight sight && sight.Source != Last)
                {
                    lock (_sources)
                    {
                        _sources.Add(sight.Source);
                    }
                }

                Thread.Sleep(20);
            }
            catch (SocketException)
            {
                // No answer, or one of ICMP: the next datagram is sent.
            }
        }
    }
}
