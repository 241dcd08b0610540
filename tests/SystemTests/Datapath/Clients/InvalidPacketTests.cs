using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netlink;

namespace SystemTests.Clients;

/// <summary>A packet that connection tracking calls invalid is not translated: the pod must not answer it with a reset.</summary>
public class InvalidPacketTests
{
    private const byte Reset = 4;

    private const byte Syn = 2;

    private const byte SynAck = 0x12;

    /// <summary>Far out of any window.</summary>
    private const uint Away = 1u << 30;

    [RootTheory]
    [InlineData(Lab.PodAddress, "192.168.12.91", "deny", true)]
    [InlineData(Lab.PodAddress, "192.168.12.91", "deny", false)]
    [InlineData(Lab.PodAddress, "192.168.12.91", "allow", false)]
    [InlineData(Lab.PodAddress6, "2001:db8:12::91", "deny", true)]
    [InlineData(Lab.PodAddress6, "2001:db8:12::91", "deny", false)]
    [InlineData(Lab.PodAddress6, "2001:db8:12::91", "allow", false)]
    public void A_segment_out_of_the_window_ends_no_redirected_connection(string pod, string destination, string inbound, bool isFromClient)
    {
        using var lab = new Lab();
        lab.Add(Config.ChangedDualStack(json => json["inbound"] = inbound));
        using var outside = Capture.Outside(lab);
        using var cluster = Capture.Cluster(lab);
        using Socket listener = Open(lab.Lan, destination);
        listener.Bind(new IPEndPoint(IPAddress.Parse(destination), 80));
        listener.Listen();
        using Socket client = Open(lab.Client, pod);
        client.Connect(pod, 80);
        using Socket server = listener.Accept();
        client.ReceiveTimeout = server.ReceiveTimeout = 5000;
        Exchange(client, server);

        if (isFromClient)
        {
            uint sequence = SequenceOf(cluster, Syn);
            RawPackets.SendSegment(lab.Client, (IPEndPoint)client.LocalEndPoint!, (IPEndPoint)client.RemoteEndPoint!, sequence + Away);
        }
        else
        {
            uint sequence = SequenceOf(outside, SynAck);
            RawPackets.SendSegment(lab.Lan, (IPEndPoint)server.LocalEndPoint!, (IPEndPoint)server.RemoteEndPoint!, sequence + Away);
        }

        // Takes the same path after it, in both directions.
        Exchange(client, server);
        Assert.DoesNotContain(outside.Frames().Concat(cluster.Frames()), frame => (frame.TcpFlags & Reset) != 0);
    }

    private static void Exchange(Socket client, Socket server)
    {
        var buffer = new byte[16];
        client.Send("question"u8);
        Assert.Equal(8, server.Receive(buffer));
        server.Send("answer"u8);
        Assert.Equal(6, client.Receive(buffer));
    }

    /// <summary>The sequence number of the first segment with these flags.</summary>
    private static uint SequenceOf(Capture capture, byte flags)
    {
        Frame frame = capture.Frames().First(frame => frame.TcpFlags == flags);
        int network = frame.Source!.AddressFamily == AddressFamily.InterNetwork ? 20 : 40;
        return BinaryPrimitives.ReadUInt32BigEndian(frame.Bytes.AsSpan(14 + network + 4));
    }

    private static Socket Open(string name, string address)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(name));
        return space.Run(() => new Socket(IPAddress.Parse(address).AddressFamily, SocketType.Stream, ProtocolType.Tcp));
    }
}
