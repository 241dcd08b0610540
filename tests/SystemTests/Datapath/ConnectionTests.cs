using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Netlink;
using Netlink.NetFilter;

namespace SystemTests;

/// <summary>What the kernel remembers of connections through a router ends with the router.</summary>
public class ConnectionTests
{
    private static readonly string[] _egress = ["192.168.12.99", "2001:db8:12::99"];

    [RootFact]
    public void DEL_forgets_the_connections_of_the_egress_addresses_and_no_others()
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        lab.Serve(Protocol.Udp, "192.168.12.92", 53);
        lab.Serve(Protocol.Udp, "2001:db8:12::92", 53);
        lab.ServeIn(lab.Client, Protocol.Udp, "10.129.2.1", 5353);
        Assert.NotNull(lab.Connect(Protocol.Udp, 53));
        Assert.NotNull(lab.Connect(Protocol.Udp, 53, Lab.PodAddress6));
        Assert.NotNull(Lab.Ask(lab.Pod, Protocol.Udp, "192.168.12.92", 53));
        Assert.NotNull(Lab.Ask(lab.Pod, Protocol.Udp, "2001:db8:12::92", 53));
        Assert.NotNull(Lab.Ask(lab.Pod, Protocol.Udp, "10.129.2.1", 5353));
        Assert.Equal(4, Connections(lab).Count(IsOfEgress));
        Assert.Equal(2, Connections(lab).Count(connection => connection.Mark != 0));

        lab.Delete(Config.DualStack);
        IReadOnlyList<ConntrackEntry> left = Connections(lab);
        Assert.DoesNotContain(left, IsOfEgress);
        Assert.DoesNotContain(left, connection => connection.Mark != 0);
        ConntrackEntry other = Assert.Single(left, connection => connection.Original.Protocol == (byte)ProtocolType.Udp);
        Assert.Equal(("10.129.2.1", 5353), (other.Original.Destination.ToString(), other.Original.DestinationPort));
    }

    /// <summary>A client that goes on from the same port, while the router is replaced by one with another address.</summary>
    [RootFact]
    public void A_datagram_after_DEL_and_ADD_has_the_new_address()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Udp, "192.168.12.92", 53);
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Client));
        using Socket client = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        client.ReceiveTimeout = 500;
        client.Connect(IPAddress.Parse(Lab.PodAddress), 53);
        foreach (string address in (string[])["192.168.12.99", "192.168.12.98"])
        {
            string config = Config.Changed(json =>
            {
                json["ip"]!["addresses"] = new JsonArray(address + "/24");
                json["ip"]!["destinations"] = new JsonArray("53 udp 192.168.12.92");
            });
            lab.Add(config);
            Assert.StartsWith(address + " ", Ask(client), StringComparison.Ordinal);
            lab.Delete(config);
        }
    }

    private static string Ask(Socket client)
    {
        var buffer = new byte[512];
        for (int attempt = 0; attempt < 6; attempt++)
        {
            client.Send("hello"u8);
            try
            {
                return Encoding.ASCII.GetString(buffer, 0, client.Receive(buffer));
            }
            catch (SocketException late) when (late.SocketErrorCode == SocketError.TimedOut)
            {
                // The first may be lost while neighbors are resolved.
            }
        }

        return "no answer";
    }

    private static bool IsOfEgress(ConntrackEntry connection) =>
        _egress.Any(address => connection.Ends().Contains(IPAddress.Parse(address)))
        && connection.Original.Protocol == (byte)ProtocolType.Udp;

    /// <summary>All that the kernel tracks in the pod.</summary>
    internal static IReadOnlyList<ConntrackEntry> Connections(Lab lab)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Pod));
        return space.Run(() =>
        {
            using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
            return socket.ListConnections(_ => true);
        });
    }
}
