using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;
using Netlink.Routing;
using static EgressRouter.State.Nftables.NftParts;

namespace EgressDataPath.Desired;

/// <summary>The matches, statements and maps that the table consists of.</summary>
internal static class TableParts
{
    /// <summary>Bits of <c>ct state</c> (NF_CT_STATE_BIT of ip_conntrack_info): invalid 1, new 8, untracked 64.</summary>
    public const uint InvalidOrNew = 9;

    public const uint New = 8;

    public const uint Untracked = 64;

    public const byte Tcp = 6;

    public const byte Udp = 17;

    public const byte IcmpV6 = 58;

    /// <summary>The kind number of the TCP option (RFC 9293, section 3.2).</summary>
    private const byte MaximumSegmentSize = 2;

    /// <summary>The least room of a map. Its size is fixed when it is made, and making it anew takes three steps.</summary>
    private const int LeastRoom = 1024;

    public static string Named(string name, AddressFamily family) => name + (family == AddressFamily.InterNetwork ? "4" : "6");

    public static SetDataType TypeOf(AddressFamily family) =>
        family == AddressFamily.InterNetwork ? SetDataType.IPv4Address : SetDataType.IPv6Address;

    public static Map VerdictMap(string name, AddressFamily family, ImmutableArray<(IPAddress Key, Decision Decision)> elements) =>
        SizedMap(name, [TypeOf(family)], [SetDataType.Verdict],
            [.. elements.Select(element => new MapElement(BytesOf(element.Key), element.Decision))]);

    public static Map AddressSet(string name, AddressFamily family, IEnumerable<IPAddress> addresses) =>
        SizedMap(name, [TypeOf(family)], [],
            [.. addresses.Distinct().Select(address => new MapElement(BytesOf(address), default, default))]);

    public static Map RangeSet(string name, AddressFamily family, ImmutableArray<(IPAddress First, IPAddress Last)> ranges) =>
        new(name, [TypeOf(family)], [], IsInterval: true,
            [.. ranges.Select(range => new MapElement(BytesOf(range.First), BytesOf(range.Last), default))]);

    /// <summary>
    /// A map with room for twice what it has now. Of two elements with one key, such as two pods with one address, the first counts: a
    /// batch with both would be refused as a whole.
    /// </summary>
    public static Map SizedMap(
        string name, ImmutableArray<SetDataType> key, ImmutableArray<SetDataType> data, ImmutableArray<MapElement> elements) =>
        new(name, key, data, IsInterval: false, [.. elements.DistinctBy(element => element.Key)])
        {
            Size = Math.Max(LeastRoom, 2 * elements.Length),
        };

    /// <summary>The destination is at byte 16 of an IPv4 header and at byte 24 of an IPv6 header (RFC 791, RFC 8200).</summary>
    public static PayloadExpression LoadDestination(AddressFamily family, Register register) =>
        new(PayloadBase.NetworkHeader, family == AddressFamily.InterNetwork ? 16u : 24u, (uint)family.AddressBits() / 8, register);

    public static Expression[] PortIs(byte protocol, int port) =>
    [
        new MetaExpression(MetaKey.TransportProtocol, Register.R1),
        new CmpExpression(Register.R1, new([protocol])),
        new PayloadExpression(PayloadBase.TransportHeader, Offset: 2, Length: 2, Register.R1),
        new CmpExpression(Register.R1, new([(byte)(port >> 8), (byte)port])),
    ];

    public static Expression[] ProtocolIsNot(byte protocol) =>
        [new MetaExpression(MetaKey.TransportProtocol, Register.R1), new CmpExpression(Register.R1, new([protocol]), NotEqual: true)];

    /// <summary>A packet whose source is not behind the link that it came by.</summary>
    public static Expression[] HasNoReversePath() =>
        [new FibExpression(Register.R1, FibQuery.HasReversePath), new CmpExpression(Register.R1, Number(0))];

    public static Expression[] IsOfOtherTypeThanUnicast() =>
        [new FibExpression(Register.R1), new CmpExpression(Register.R1, Number((uint)RouteType.Unicast), NotEqual: true)];

    public static Expression[] IsReply(bool isReply) =>
        [new ConntrackExpression(ConntrackKey.Direction, Register.R1), new CmpExpression(Register.R1, new([isReply ? (byte)1 : (byte)0]))];

    public static Expression[] HasNoBit(ConntrackKey key, uint bits) =>
    [
        new ConntrackExpression(key, Register.R1),
        new BitwiseExpression(Register.R1, Number(bits), Number(0)),
        new CmpExpression(Register.R1, Number(0)),
    ];

    public static Expression[] HasPacketBits(uint bits) =>
    [
        new MetaExpression(MetaKey.Mark, Register.R1),
        new BitwiseExpression(Register.R1, Number(bits), Number(0)),
        new CmpExpression(Register.R1, Number(0), NotEqual: true),
    ];

    public static Expression[] ConnectionSlotIs(Settings settings, int slot) =>
    [
        new ConntrackExpression(ConntrackKey.Mark, Register.R1),
        new BitwiseExpression(Register.R1, Number(settings.ConnectionMask), Number(0)),
        new CmpExpression(Register.R1, Number(settings.ConnectionMark(slot))),
    ];

    public static Expression[] SetConnectionSlot(Settings settings, int slot) =>
    [
        new ConntrackExpression(ConntrackKey.Mark, Register.R1),
        new BitwiseExpression(Register.R1, Number(~settings.ConnectionMask), Number(settings.ConnectionMark(slot))),
        new ConntrackExpression(ConntrackKey.Mark, Register.R1, Set: true),
    ];

    public static Expression[] SetPacketMark(Settings settings, int hop) =>
    [
        new MetaExpression(MetaKey.Mark, Register.R1),
        new BitwiseExpression(Register.R1, Number(~settings.PacketMask), Number(settings.PacketMark(hop))),
        new MetaExpression(MetaKey.Mark, Register.R1, Set: true),
    ];

    /// <summary>A larger maximum segment size becomes this one; a smaller one stays.</summary>
    public static Expression[] SetSegmentSize(ushort size) =>
    [
        new ImmediateExpression(Register.R1, new([(byte)(size >> 8), (byte)size])),
        new ExthdrExpression(Register.R1, MaximumSegmentSize, Offset: 2),
    ];

    public static Expression[] CountedDrop(string counter) =>
        [new CounterReferenceExpression(counter), new ImmediateExpression(Verdict.Drop)];

    public static ImmediateExpression Goto(string chain) => new(Verdict.Goto, chain);
}
