using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.NetFilter;
using Netlink.Wire;

namespace SystemTests;

/// <summary>What this kernel makes of expressions, with packets on the loopback link of a namespace.</summary>
public class ExpressionTests
{
    private const string Name = "expressions";

    private static readonly BaseChain _output = new("filter", NetFilterHook.LocalOut, 0);

    /// <summary>The mark is the hash of the source, one of four from 256 on.</summary>
    [RootFact]
    public void A_hash_begins_at_its_offset() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        var marks = new Map("marks", [SetDataType.Mark], [SetDataType.Verdict], IsInterval: false, [
            .. Enumerable.Range(0, 4).Select(mark => new MapElement(new Bytes([(byte)mark, 1, 0, 0]), new Decision(Verdict.Accept)))]);
        socket.CreateTable(new Table(TableFamily.Inet, Name, [new Chain("output", _output)], [
            new Rule("output", [
                new PayloadExpression(PayloadBase.NetworkHeader, 12, 4, Register.R2),
                new HashExpression(Register.R2, 4, Register.R1, Modulus: 4, Seed: 1, Offset: 256),
                new MetaExpression(MetaKey.Mark, Register.R1, Set: true)]),
            new Rule("output", [
                new MetaExpression(MetaKey.Mark, Register.R1),
                new LookupExpression("marks", Register.R1, Register.Verdict)]),
        ], [marks]));
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        for (byte host = 1; host <= 100; host++)
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            client.Bind(new IPEndPoint(new IPAddress([127, 0, 1, host]), 0));
            client.SendTo([host], server.LocalEndPoint!);
        }

        ulong[] packets = [.. socket.ReadMap(TableFamily.Inet, Name, "marks")!.Elements.Select(element => element.Counted.Packets)];
        Assert.Equal(100u, packets.Aggregate((sum, count) => sum + count));
        Assert.All(packets, count => Assert.InRange(count, 5u, 60u));
    });

    [RootFact]
    public void The_greatest_segment_is_set_in_packets_that_begin_a_connection() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        socket.CreateTable(new Table(TableFamily.Inet, Name, [new Chain("output", _output)], [
            new Rule("output", [
                new ConntrackExpression(ConntrackKey.Direction, Register.R1),
                new CmpExpression(Register.R1, new Bytes([0])),
                new MetaExpression(MetaKey.TransportProtocol, Register.R1),
                new CmpExpression(Register.R1, new Bytes([6])),
                new PayloadExpression(PayloadBase.TransportHeader, 13, 1, Register.R1),
                new BitwiseExpression(Register.R1, new Bytes([6]), new Bytes([0])),
                new CmpExpression(Register.R1, new Bytes([2])),
                new ImmediateExpression(Register.R1, new Bytes([1000 >> 8, 1000 & 0xff])),
                new ExthdrExpression(Register.R1, Option: 2, Offset: 2)]),
        ], []));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        using Socket server = listener.AcceptSocket();
        // Timestamps take twelve bytes of each segment.
        Assert.InRange(GreatestSegment(server), 980, 1000);
        Assert.InRange(GreatestSegment(client.Client), 1001, 65535);
    });

    /// <summary>TCP_MAXSEG: how much the socket sends at once.</summary>
    private static int GreatestSegment(Socket socket)
    {
        Span<byte> value = stackalloc byte[4];
        socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, 2, value);
        return BitConverter.ToInt32(value);
    }
}
