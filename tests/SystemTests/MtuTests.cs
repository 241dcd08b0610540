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
        using var outside = new Capture(lab.Lan, "node0");
        using var cluster = new Capture(lab.Client, "pod0");
        using Socket server = Open(lab.Lan, destination);
        server.Bind(new IPEndPoint(IPAddress.Parse(destination), 80));
        server.Listen();
        using Socket client = Open(lab.Client, pod);
        client.SendTimeout = client.ReceiveTimeout = 5000;
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
