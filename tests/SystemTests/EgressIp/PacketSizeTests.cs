using System.Net;
using System.Net.Sockets;
using Shared;
using SystemTests.EgressIp.Traffic;

namespace SystemTests.EgressIp;

/// <summary>Packets that are larger than the tunnel, or than a link behind the egress node.</summary>
public class PacketSizeTests
{
    /// <summary>What the tunnel leaves of the 1500 bytes between the nodes.</summary>
    private const int TunnelMtu = 1464;

    /// <summary>A network behind a link of the outside that takes smaller packets.</summary>
    private const int FarMtu = 1300;

    [RootFact]
    public void Large_packets_pass_or_are_told_their_size()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        EgressLab lab = cluster.Lab;
        // IPv6 routers fragment nothing, and the outside is a router here.
        Lab.WriteSysctl(lab.Out, "net/ipv4/ip_forward", "1");
        Lab.WriteSysctl(lab.Out, "net/ipv6/conf/all/forwarding", "1");
        Lab.Batch(lab.Out, $"""
            link add far0 type veth peer name far1
            link set far0 mtu {FarMtu} up
            link set far1 up
            route add 203.0.113.0/24 dev far0
            route add fd00:53::/64 dev far0
            """);
        foreach ((string server, string far, string address) in ((string, string, string)[])
            [(EgressLab.Server4, "203.0.113.7", EgressCluster.Address4), (EgressLab.Server6, "fd00:53::7", EgressCluster.Address6)])
        {
            int holder = Assert.IsType<int>(cluster.HolderOf(address));
            LabPod elsewhere = lab.PodOn((holder % EgressLab.Nodes) + 1);
            Assert.Equal(3_000_000, Transfer(lab.Out, elsewhere.Namespace, server, 3_000_000));
            AssertLargest(TunnelMtu, elsewhere.Namespace, server);
            AssertLargestAnswer(TunnelMtu, lab.Out, elsewhere.Namespace, server);
            // A router on the way tells the pod, whichever node it is on.
            AssertLargest(FarMtu, elsewhere.Namespace, far);
            AssertLargest(FarMtu, lab.PodOn(holder).Namespace, far);
        }
    }

    /// <summary>Sends bytes to a server that sends them back.</summary>
    private static int Transfer(string serverSpace, string clientSpace, string address, int bytes)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), 7002);
        using Socket listener = NamespaceSocket.Open(serverSpace, end.AddressFamily, Transport.Tcp);
        listener.Bind(end);
        listener.Listen(1);
        using Socket client = NamespaceSocket.Open(clientSpace, end.AddressFamily, Transport.Tcp);
        client.Connect(end);
        using Socket server = listener.Accept();
        (client.ReceiveTimeout, server.ReceiveTimeout) = (10_000, 10_000);
        Task echo = Task.Run(() =>
        {
            var buffer = new byte[64 * 1024];
            for (int length; (length = server.Receive(buffer)) > 0;)
            {
                server.Send(buffer.AsSpan(0, length));
            }
        });
        Task send = Task.Run(() => client.Send(new byte[bytes]));
        int received = 0;
        for (var buffer = new byte[64 * 1024]; received < bytes;)
        {
            received += client.Receive(buffer);
        }

        client.Shutdown(SocketShutdown.Both);
        Assert.True(Task.WaitAll([echo, send], TimeSpan.FromSeconds(10)));
        return received;
    }

    /// <summary>What passes from a client to an address without fragments.</summary>
    private static void AssertLargest(int mtu, string space, string address)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), EgressLab.Port);
        using Socket socket = NamespaceSocket.Open(space, end.AddressFamily, Transport.Udp);
        AssertLargest(mtu, socket, end);
    }

    /// <summary>The same from a server to a client that has sent it something.</summary>
    private static void AssertLargestAnswer(int mtu, string serverSpace, string clientSpace, string address)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), 7003);
        using Socket server = NamespaceSocket.Open(serverSpace, end.AddressFamily, Transport.Udp);
        using Socket client = NamespaceSocket.Open(clientSpace, end.AddressFamily, Transport.Udp);
        server.Bind(end);
        server.ReceiveTimeout = 5_000;
        client.SendTo(new byte[1], end);
        EndPoint from = new IPEndPoint(end.Address, 0);
        server.ReceiveFrom(new byte[1], ref from);
        AssertLargest(mtu, server, from);
    }

    /// <summary>Sends less and less, as the kernel hears of what is too large: from a router after the other.</summary>
    private static void AssertLargest(int mtu, Socket socket, EndPoint end)
    {
        bool isIPv4 = end.AddressFamily == AddressFamily.InterNetwork;
        // IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, PMTUDISC_DO
        socket.SetRawSocketOption(isIPv4 ? 0 : 41, isIPv4 ? 10 : 23, BitConverter.GetBytes(2));
        socket.Connect(end);
        int size = 1500;
        Eventually.IsTrue(
            () =>
            {
                try
                {
                    socket.Send(new byte[size - (isIPv4 ? 28 : 48)]);
                }
                catch (SocketException refused) when (refused.SocketErrorCode == SocketError.MessageSize)
                {
                    // IP_MTU, IPV6_MTU
                    var known = new byte[4];
                    socket.GetRawSocketOption(isIPv4 ? 0 : 41, isIPv4 ? 14 : 24, known);
                    size = BitConverter.ToInt32(known);
                }

                return size == mtu;
            },
            () => $"to {end}: {size}, not {mtu}");
    }
}
