using System.Net;
using System.Net.Sockets;
using Netlink;
using Shared;

namespace SystemTests.EgressIp;

/// <summary>What neighbors of the nodes, and pods, must not be able to do.</summary>
public class GuardTests
{
    [RootFact]
    public void Connections_to_an_egress_address_and_forged_packets_are_dropped_and_counted()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        EgressLab lab = cluster.Lab;
        int holder = Assert.IsType<int>(cluster.HolderOf(EgressCluster.Address4));

        lab.Serve(Protocol.Tcp, lab.Node(holder), "0.0.0.0", 7100);
        Assert.NotNull(EchoServer.Ask(Lab.PathOf(lab.Out), Protocol.Tcp, EgressLab.AddressOf(holder), 7100, null, TimeSpan.FromSeconds(5)));
        Assert.Null(EchoServer.Ask(Lab.PathOf(lab.Out), Protocol.Tcp, EgressCluster.Address4, 7100, null, TimeSpan.FromSeconds(1)));
        Assert.True(lab.Counter(holder, "inbound") > 0);

        // Tunnel packets and heartbeats from an address that is no node's, and from a pod with the address of a node.
        Send(lab.Out, EgressLab.AddressOf(holder), 4790);
        Send(lab.Out, EgressLab.AddressOf(holder), 4792);
        Eventually.IsTrue(() => lab.Counter(holder, "forged") == 2, () => $"{lab.Counter(holder, "forged")} forged packets");
        LabPod pod = lab.Pods.First(pod => pod.Node == holder);
        int other = (holder % EgressLab.Nodes) + 1;
        Lab.Batch(pod.Namespace, $"address add {EgressLab.AddressOf(other)}/32 dev lo");
        Send(pod.Namespace, EgressLab.AddressOf(holder), 4790, EgressLab.AddressOf(other));
        Thread.Sleep(200);
        // A strict rp_filter or the guard: in any case nothing arrives.
        Assert.Equal(0, lab.Counter(holder, "stray"));
        cluster.Settled();
    }

    [RootFact]
    public void A_neighbor_that_forges_the_address_of_a_pod_gets_no_egress_address()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        EgressLab lab = cluster.Lab;
        LabPod pod = lab["b1"];
        // Without the node's own check of sources.
        foreach (string link in (string[])["all", "eth0"])
        {
            Lab.WriteSysctl(lab.Node(2), $"net/ipv4/conf/{link}/rp_filter", "0");
        }

        Lab.Batch(lab.Out, $"address add {pod.IPv4}/32 dev lo\nroute add 198.18.0.1/32 via {EgressLab.AddressOf(2)}");
        lab.ForgetSources();
        Send(lab.Out, "198.18.0.1", 9, pod.IPv4);
        Eventually.IsTrue(() => lab.Counter(2, "stray") > 0, "the packet is not counted");
    }

    [RootFact]
    public void Large_packets_pass_or_are_told_their_size()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        EgressLab lab = cluster.Lab;
        foreach ((string server, string address, int most) in ((string, string, int)[])
            [(EgressLab.Server4, EgressCluster.Address4, 1464 - 28), (EgressLab.Server6, EgressCluster.Address6, 1464 - 48)])
        {
            int holder = Assert.IsType<int>(cluster.HolderOf(address));
            LabPod pod = lab.Pods.First(pod => pod.Node != holder && pod.Name != "a2");
            Assert.Equal(3_000_000, Transfer(lab.Out, pod.Namespace, server, 3_000_000));
            Assert.Equal(most, LargestDatagram(pod.Namespace, server));
        }
    }

    /// <summary>Sends bytes to a server that sends them back.</summary>
    private static int Transfer(string serverSpace, string clientSpace, string address, int bytes)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), 7002);
        using Socket listener = Open(serverSpace, end.AddressFamily, SocketType.Stream);
        listener.Bind(end);
        listener.Listen(1);
        using Socket client = Open(clientSpace, end.AddressFamily, SocketType.Stream);
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

    /// <summary>The payload of the largest datagram that passes without fragments, as the kernel learns it.</summary>
    private static int LargestDatagram(string space, string address)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), EgressLab.Port);
        using Socket socket = Open(space, end.AddressFamily, SocketType.Dgram);
        // IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, PMTUDISC_DO
        bool isIPv4 = end.AddressFamily == AddressFamily.InterNetwork;
        socket.SetRawSocketOption(isIPv4 ? 0 : 41, isIPv4 ? 10 : 23, BitConverter.GetBytes(2));
        socket.Connect(end);
        int largest = 0;
        Eventually.IsTrue(
            () =>
            {
                try
                {
                    socket.Send(new byte[isIPv4 ? 1472 : 1452]);
                    return false;
                }
                catch (SocketException refused) when (refused.SocketErrorCode == SocketError.MessageSize)
                {
                    // IP_MTU, IPV6_MTU
                    largest = BitConverter.ToInt32(isIPv4 ? Raw(socket, 0, 14) : Raw(socket, 41, 24)) - (isIPv4 ? 28 : 48);
                    return true;
                }
            },
            "no datagram is too large");
        return largest;
    }

    private static byte[] Raw(Socket socket, int level, int option)
    {
        var value = new byte[4];
        socket.GetRawSocketOption(level, option, value);
        return value;
    }

    private static void Send(string space, string to, int port, string? from = null)
    {
        var end = new IPEndPoint(IPAddress.Parse(to), port);
        using Socket socket = Open(space, end.AddressFamily, SocketType.Dgram);
        if (from is not null)
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        }

        socket.SendTo(new byte[32], end);
    }

    private static Socket Open(string space, AddressFamily family, SocketType type)
    {
        using NetNamespace inside = NetNamespace.Open(Lab.PathOf(space));
        return inside.Run(() => new Socket(family, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp));
    }
}
