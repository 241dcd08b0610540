using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.NetFilter;
using Netlink.Wire;

namespace SystemTests;

/// <summary>Maps of verdicts, shared counters and single changes of elements, with packets on the loopback link of a namespace.</summary>
public class VerdictTests
{
    private const string Name = "verdicts";

    private static readonly Bytes _client = new([127, 0, 0, 2]);

    private static readonly Bytes _slot = new([0, 0, 0x10, 0]);

    private static readonly Map _pods = new("pods", [SetDataType.IPv4Address], [SetDataType.Verdict], IsInterval: false, [
        new MapElement(_client, new Decision(Verdict.Goto, "object"))])
    { Size = 8 };

    private static readonly Map _slots = new("slots", [SetDataType.Mark], [SetDataType.Verdict], IsInterval: false, [
        new MapElement(_slot, new Decision(Verdict.Jump, "hold"))])
    { Size = 8 };

    private static readonly Map _snat = new("snat", [SetDataType.IPv4Address], [SetDataType.IPv4Address], IsInterval: false, [
        new MapElement(_client, default, new Bytes([127, 0, 0, 100]))])
    { Size = 8 };

    private static readonly PayloadExpression _source = new(PayloadBase.NetworkHeader, 12, 4, Register.R1);

    private static readonly Expression[] _isIPv4 =
        [new MetaExpression(MetaKey.NetworkProtocol, Register.R1), new CmpExpression(Register.R1, new Bytes([2]))];

    private static readonly Table _table = new(
        TableFamily.Inet,
        Name,
        [
            new Chain("input", new BaseChain("filter", NetFilterHook.PreRouting, -90)),
            new Chain("object"),
            new Chain("hold"),
            new Chain("sources", new BaseChain("nat", NetFilterHook.PostRouting, 99)),
        ],
        [
            new Rule("input", [
                .. _isIPv4,
                new PayloadExpression(PayloadBase.NetworkHeader, 16, 4, Register.R1),
                new CmpExpression(Register.R1, new Bytes([127, 0, 0, 1])),
                new ImmediateExpression(Register.R1, _slot),
                new ConntrackExpression(ConntrackKey.Mark, Register.R1, Set: true),
                new ConntrackExpression(ConntrackKey.OriginalDestinationPort, Register.R1),
                new CmpExpression(Register.R1, new Bytes([0, 53])),
                new ImmediateExpression(Verdict.Jump, "object")]),
            new Rule("object", [
                new ConntrackExpression(ConntrackKey.Mark, Register.R1), new LookupExpression("slots", Register.R1, Register.Verdict)]),
            new Rule("hold", [new CounterReferenceExpression("held"), new ImmediateExpression(Verdict.Drop)]),
            new Rule("sources", [
                .. _isIPv4, _source, new LookupExpression("snat", Register.R1, Register.R1),
                new NatExpression(Source: true, TableFamily.IPv4, Register.R1)]),
            new Rule("sources", [.. _isIPv4, _source, new NatExpression(Source: true, TableFamily.IPv4, Register.R1)]),
            new Rule("sources", [.. _isIPv4, _source, new LookupExpression("pods", Register.R1, Register.Verdict)]),
            new Rule("sources", [
                .. _isIPv4, _source, new LookupExpression("snat", Register.R1, IsInverted: true), new ImmediateExpression(Verdict.Accept)]),
        ],
        [_pods, _slots, _snat])
    {
        Counters = [new NamedCounter("held")],
    };

    [RootFact]
    public void A_table_is_read_back_as_it_was_made() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        socket.CreateTable(_table);
        Table read = socket.ReadTable(TableFamily.Inet, Name);
        Assert.Equal(_table.Chains.ToHashSet(), read.Chains.ToHashSet());
        Assert.Equal(_table.Rules.AsEnumerable(), read.Rules);
        Assert.Equal(_table.Maps.ToHashSet(), read.Maps.ToHashSet());
        Assert.Equal(_table.Counters.AsEnumerable(), socket.ReadCounters(TableFamily.Inet, Name));
        Assert.Equal(_slots, socket.ReadMap(TableFamily.Inet, Name, "slots"));
        Assert.Null(socket.ReadMap(TableFamily.Inet, Name, "none"));
        Assert.Contains(
            "127.0.0.2 counter packets 0 bytes 0 : goto object", Command.Must("nft", ["list", "ruleset"]), StringComparison.Ordinal);
    });

    /// <summary>One element of a map decides about all packets of a slot; the batch that changes it changes a chain too.</summary>
    [RootFact]
    public void One_element_switches_packets_over() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        socket.CreateTable(_table);
        using Socket server = Bound("127.0.0.1", 53);
        using Socket client = Bound("127.0.0.2", 4000);
        Assert.Null(Send(client, server));
        Assert.Null(Send(client, server));
        Assert.Equal(2u, Assert.Single(socket.ReadCounters(TableFamily.Inet, Name)).Counted.Packets);

        var batch = new TableBatch(TableFamily.Inet, Name, "switch over");
        batch.DeleteElements(_slots, _slots.Elements);
        batch.AddChain(new Chain("pass"));
        batch.AddRule(new Rule("pass", [new ImmediateExpression(Verdict.Accept)]));
        batch.AddElements(_slots, new MapElement(_slot, new Decision(Verdict.Goto, "pass")));
        socket.Apply(batch);
        Assert.Equal("127.0.0.100:4000", Send(client, server));
        Map slots = socket.ReadMap(TableFamily.Inet, Name, "slots")!;
        Assert.Equal(new Decision(Verdict.Goto, "pass"), Assert.Single(slots.Elements).Decision);
        Assert.Equal(1u, slots.Elements[0].Counted.Packets);
        Assert.Equal(2u, Assert.Single(socket.ReadCounters(TableFamily.Inet, Name)).Counted.Packets);
    });

    /// <summary>A source that is translated to itself keeps its address, and later rules of the chain do not apply.</summary>
    [RootFact]
    public void A_source_can_be_translated_to_itself() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        socket.CreateTable(_table with { Maps = [_pods, _slots with { Elements = [] }, _snat with { Elements = [], Size = 8 }] });
        using Socket server = Bound("127.0.0.1", 53);
        using Socket client = Bound("127.0.0.2", 4000);
        Assert.Equal("127.0.0.2:4000", Send(client, server));
        Assert.Equal(0u, socket.ReadMap(TableFamily.Inet, Name, "pods")!.Elements[0].Counted.Packets);
    });

    [RootFact]
    public void A_batch_with_a_refused_part_changes_nothing() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        socket.CreateTable(_table);
        var batch = new TableBatch(TableFamily.Inet, Name, "change");
        batch.DeleteElements(_slots, _slots.Elements);
        batch.DeleteChain("object");
        NetlinkException refused = Assert.Throws<NetlinkException>(() => socket.Apply(batch));
        Assert.Equal((Errno.EBUSY, "delete nftables chain object of table verdicts"), (refused.Number, refused.Operation));
        Assert.Equal(_slots, socket.ReadMap(TableFamily.Inet, Name, "slots"));
    });

    private static Socket Bound(string address, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 300 };
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        return socket;
    }

    /// <summary>Sends a datagram; returns the source that the server sees, or null if it does not arrive.</summary>
    private static string? Send(Socket client, Socket server)
    {
        client.SendTo([1], server.LocalEndPoint!);
        EndPoint source = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            server.ReceiveFrom(new byte[1], ref source);
            return source.ToString();
        }
        catch (SocketException timeout) when (timeout.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return null;
        }
    }
}
