using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.NetFilter;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>
/// Packets of selected pods of which the kernel knows no connection: it translates none of them. They go on with the egress address or not
/// at all.
/// </summary>
public class TrackingTests(ITestOutputHelper output)
{
    private const int Port = 8050;

    private const string Loose = "net/netfilter/nf_conntrack_tcp_loose";

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_invalid_or_untracked_does_not_leave(bool isIPv6)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        string serverAddress = isIPv6 ? EgressLab.Server6 : EgressLab.Server4;
        int holder = Assert.IsType<int>(cluster.HolderOf(egress));
        LabPod elsewhere = lab.PodOn((holder % EgressLab.Nodes) + 1);
        var watch = new ArrivalWatch(lab.Out);
        using var server = new TellingServer(lab.Out, serverAddress);
        (LabPod Pod, int Node, string Counter)[] places =
            [(elsewhere, holder, "stray"), (elsewhere, elsewhere.Node, "held"), (lab.PodOn(holder), holder, "held")];
        int port = Port;
        foreach ((LabPod pod, int node, string counter) in places)
        {
            string address = isIPv6 ? pod.IPv6 : pod.IPv4;
            string place = $"{pod.Name}, on node {node}";
            // By default the kernel takes what belongs to no connection for the middle of one that began before.
            Lab.WriteSysctl(lab.Node(node), Loose, "1");
            using (var open = new SilentConnection(lab.Out, serverAddress, ++port, pod))
            {
                Forget();
                open.Say();
                Assert.True(open.Hears(TimeSpan.FromSeconds(3)), place);
                Assert.Equal([egress], watch.Packets(port).Keys);
            }

            Lab.WriteSysctl(lab.Node(node), Loose, "0");
            foreach (Action<SilentConnection> send in (Action<SilentConnection>[])
                [open => open.Say(), open => open.End(withReset: false), open => open.End(withReset: true)])
            {
                using var open = new SilentConnection(lab.Out, serverAddress, ++port, pod);
                Forget();
                Dropped(() => send(open));
            }

            using (new RawRules(lab.Node(node), $"{(isIPv6 ? "ip6" : "ip")} saddr {address} notrack"))
            {
                foreach (Transport transport in Enum.GetValues<Transport>())
                {
                    Dropped(() => Assert.Null(Question.Ask(pod.Namespace, transport, server, 0.3)));
                }
            }

            Assert.Equal(egress, Question.Ask(pod.Namespace, Transport.Tcp, server)?.Source);

            void Forget()
            {
                using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Node(node)));
                space.Run(() =>
                {
                    using var netFilter = NetlinkSocket.OpenNetFilter();
                    netFilter.DeleteConnections(connection => connection.Original.Source.ToString() == address);
                });
                watch.Forget();
            }

            void Dropped(Action send)
            {
                watch.Forget();
                long before = lab.Counter(node, counter);
                send();
                Eventually.IsTrue(() => lab.Counter(node, counter) > before, () => $"{place}: {counter} does not grow");
                Assert.Empty(watch.Packets());
            }
        }
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Messages_that_a_destination_cannot_be_reached_arrive_both_ways(bool isIPv6)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        Lab.WriteSysctl(lab.Out, isIPv6 ? "net/ipv6/conf/all/forwarding" : "net/ipv4/ip_forward", "1");
        Lab.Batch(lab.Out, $"route add prohibit {(isIPv6 ? "fd00:53::/64" : "203.0.113.0/24")}");
        var watch = new ArrivalWatch(lab.Out);
        int holder = Assert.IsType<int>(cluster.HolderOf(egress));
        foreach (LabPod pod in (LabPod[])[lab.PodOn((holder % EgressLab.Nodes) + 1), lab.PodOn(holder)])
        {
            // From a host, and from a router on the way.
            var server = new IPEndPoint(IPAddress.Parse(isIPv6 ? EgressLab.Server6 : EgressLab.Server4), Port);
            using Socket toServer = Connected(pod.Namespace, server);
            Assert.Equal(SocketError.ConnectionRefused, ErrorOf(toServer));
            using Socket toFar = Connected(pod.Namespace, new IPEndPoint(IPAddress.Parse(isIPv6 ? "fd00:53::7" : "203.0.113.7"), Port));
            Assert.True(ErrorOf(toFar) is SocketError.HostUnreachable or SocketError.AccessDenied);

            // From the pod, of a datagram that comes after it has closed its socket.
            using Socket answering = NamespaceSocket.Open(lab.Out, server.AddressFamily, Transport.Udp);
            answering.Bind(server);
            answering.ReceiveTimeout = 5_000;
            EndPoint from = new IPEndPoint(server.Address, 0);
            using (Socket asking = Connected(pod.Namespace, server))
            {
                asking.Send([1]);
                answering.ReceiveFrom(new byte[1], ref from);
            }

            Assert.Equal(egress, ((IPEndPoint)from).Address.ToString());
            watch.Forget();
            answering.Connect(from);
            Assert.Equal(SocketError.ConnectionRefused, ErrorOf(answering));
            Assert.Equal([egress], watch.SourcesOfErrors(isIPv6));
        }
    }

    private static Socket Connected(string space, IPEndPoint end)
    {
        Socket socket = NamespaceSocket.Open(space, end.AddressFamily, Transport.Udp);
        socket.Connect(end);
        return socket;
    }

    /// <summary>Sends datagrams until the socket hears that they do not arrive.</summary>
    private static SocketError? ErrorOf(Socket socket)
    {
        SocketError? error = null;
        Eventually.IsTrue(
            () =>
            {
                try
                {
                    socket.Send([1]);
                    return false;
                }
                catch (SocketException refused)
                {
                    error = refused.SocketErrorCode;
                    return true;
                }
            },
            () => $"no error of {socket.RemoteEndPoint}");
        return error;
    }
}
