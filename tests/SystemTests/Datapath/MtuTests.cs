using System.Net;
using System.Net.Sockets;
using Netlink;

namespace SystemTests;

/// <summary>An egress interface with a smaller MTU than the cluster's.</summary>
public class MtuTests
{
    private const int Size = 1 << 20;

    [RootTheory]
    [InlineData(Lab.PodAddress, "192.168.12.91", 1360)]
    [InlineData(Lab.PodAddress6, "2001:db8:12::91", 1340)]
    public void Segments_fit_from_the_first_one_on(string pod, string destination, int greatest)
    {
        using var lab = new Lab();
        lab.Add(Config.ChangedDualStack(config => config["interfaceArgs"] = new System.Text.Json.Nodes.JsonObject { ["mtu"] = 1400 }));
        AssertSegmentsFit(lab, pod, destination, null, greatest);
    }

    /// <summary>
    /// The cluster's way back takes less than its interface: an overlay network says so by a route, or by advertisements.
    /// </summary>
    [RootTheory]
    [InlineData(Lab.PodAddress, "192.168.12.91", Lab.FarClient, "route replace default via 10.129.2.1 dev eth0 mtu 1400", 1360)]
    [InlineData(Lab.PodAddress, "192.168.12.91", Lab.FarClient, "link set eth0 mtu 1400", 1360)]
    [InlineData(Lab.PodAddress, "192.168.12.91", Lab.FarClient, "route add 10.128.0.0/14 via 10.129.2.1 mtu 1400", 1360)]
    [InlineData(Lab.PodAddress, "192.168.12.91", Lab.FarClient, "route add 10.128.0.0/14 via 10.129.2.1 mtu 1400\nroute delete default",
        1360)]
    [InlineData(Lab.PodAddress, "192.168.12.91", null, "route replace 10.129.2.0/23 dev eth0 mtu 1400", 1360)]
    [InlineData(Lab.PodAddress6, "2001:db8:12::91", Lab.FarClient6, "-6 route replace default via fd00:10:129::1 dev eth0 mtu 1400", 1340)]
    [InlineData(Lab.PodAddress6, "2001:db8:12::91", Lab.FarClient6, "link set eth0 mtu 1400", 1340)]
    [InlineData(Lab.PodAddress6, "2001:db8:12::91", Lab.FarClient6, "mtu6 1400", 1340)]
    [InlineData(Lab.PodAddress6, "2001:db8:12::91", Lab.FarClient6, "-6 route add fd00:10:130::/64 via fd00:10:129::1 mtu 1400", 1340)]
    public void Segments_fit_the_way_back(string pod, string destination, string? client, string commands, int greatest)
    {
        using var lab = new Lab();
        foreach (string command in commands.Split('\n'))
        {
            if (command.StartsWith("mtu6 ", StringComparison.Ordinal))
            {
                Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/eth0/mtu", command[5..]);
            }
            else
            {
                Lab.In(lab.Pod, ["ip", .. command.Split(' ')]);
            }
        }

        // What a network outside does that drops ICMP: its servers never hear that a segment is too long.
        Lab.In(lab.Lan, "nft", "add table inet silent; add chain inet silent input { type filter hook input priority 0; }; "
            + "add rule inet silent input icmp type destination-unreachable drop; add rule inet silent input icmpv6 type packet-too-big drop");
        lab.Add(Config.DualStack);
        AssertSegmentsFit(lab, pod, destination, client, greatest);
    }

    private static void AssertSegmentsFit(Lab lab, string pod, string destination, string? source, int greatest)
    {
        using var outside = Capture.Outside(lab);
        using var cluster = Capture.Cluster(lab);
        using Socket server = Open(lab.Lan, destination);
        server.Bind(new IPEndPoint(IPAddress.Parse(destination), 80));
        server.Listen();
        using Socket client = Open(lab.Client, pod);
        client.SendTimeout = client.ReceiveTimeout = 5000;
        if (source is not null)
        {
            client.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
        }

        client.Connect(pod, 80);
        using Socket connection = server.Accept();
        connection.SendTimeout = connection.ReceiveTimeout = 5000;
        foreach (var (from, to) in ((Socket, Socket)[])[(client, connection), (connection, client)])
        {
            Task sending = Task.Run(() => from.Send(new byte[Size]));
            var buffer = new byte[1 << 16];
            int received = 0;
            while (received < Size)
            {
                received += to.Receive(buffer);
            }

            sending.GetAwaiter().GetResult();
        }

        Assert.All(outside.Frames().Where(frame => frame.TcpFlags == 2), syn => Assert.Equal(greatest, syn.Mss));
        Assert.Contains(outside.Frames(), frame => frame.TcpFlags == 2);

        // The other direction's: what the client is told it may send.
        Assert.All(cluster.Frames().Where(frame => frame.TcpFlags == 0x12), syn => Assert.InRange(syn.Mss, 1, greatest));
        Assert.Contains(cluster.Frames(), frame => frame.TcpFlags == 0x12);
    }

    private static Socket Open(string name, string address)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(name));
        return space.Run(() => new Socket(IPAddress.Parse(address).AddressFamily, SocketType.Stream, ProtocolType.Tcp));
    }
}
