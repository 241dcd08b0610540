using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using EgressRouter.Config;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressRouter.State.Nftables;

/// <summary>Builds the expressions of rules: each method returns those of one nft match or statement.</summary>
internal static class NftRuleParts
{
    /// <summary>The SYN flag (RFC 9293, section 3.1).</summary>
    private const byte Syn = 2;

    /// <summary>The hash seed that distributes clients over addresses: arbitrary, but constant.</summary>
    private const uint Seed = 1;

    public static Expression[] From(string link) =>
        [new MetaExpression(MetaKey.InputInterfaceName, Register.R1), new CmpExpression(Register.R1, InterfaceNameBytes.Of(link))];

    public static Expression[] FromInside() =>
        [new MetaExpression(MetaKey.InputInterfaceGroup, Register.R1),
            new CmpExpression(Register.R1, Number(AttachmentNames.LinkGroup), NotEqual: true)];

    public static Expression[] OutOf(string link) =>
        [new MetaExpression(MetaKey.OutputInterfaceName, Register.R1), new CmpExpression(Register.R1, InterfaceNameBytes.Of(link))];

    public static Expression[] SourceHashIs(uint index, uint count, AddressFamily family) =>
    [
        LoadSource(family, Register.R2),
        new HashExpression(Register.R2, (uint)family.AddressBits() / 8, Register.R1, count, Seed),
        new CmpExpression(Register.R1, Number(index)),
    ];

    public static Expression[] SourceIs(IPAddress address) =>
    [
        .. OfFamily(FamilyOf(address.AddressFamily)),
        LoadSource(address.AddressFamily, Register.R1),
        new CmpExpression(Register.R1, BytesOf(address)),
    ];

    /// <summary>The source address is at byte 12 of an IPv4 header and at byte 8 of an IPv6 header (RFC 791, RFC 8200).</summary>
    private static PayloadExpression LoadSource(AddressFamily family, Register register) =>
        new(PayloadBase.NetworkHeader, family == AddressFamily.InterNetwork ? 12u : 8u, (uint)family.AddressBits() / 8, register);

    public static Expression[] NotOutOf(string link) =>
        [new MetaExpression(MetaKey.OutputInterfaceName, Register.R1),
            new CmpExpression(Register.R1, InterfaceNameBytes.Of(link), NotEqual: true)];

    public static Expression[] IsSyn() =>
    [
        new MetaExpression(MetaKey.TransportProtocol, Register.R1),
        new CmpExpression(Register.R1, new Bytes([(byte)TransportProtocol.Tcp])),
        new PayloadExpression(PayloadBase.TransportHeader, Offset: 13, Length: 1, Register.R1),
        new BitwiseExpression(Register.R1, new Bytes([Syn]), new Bytes([0])),
        new CmpExpression(Register.R1, new Bytes([0]), NotEqual: true),
    ];

    public static Expression[] OfFamily(TableFamily family) =>
        [new MetaExpression(MetaKey.NetworkProtocol, Register.R1), new CmpExpression(Register.R1, new Bytes([(byte)family]))];

    public static Expression[] ToPodItself() =>
        [new FibExpression(Register.R1), new CmpExpression(Register.R1, Number((uint)RouteType.Local))];

    public static Expression[] Marked(uint mark, bool reply) =>
    [
        new ConntrackExpression(ConntrackKey.Direction, Register.R1),
        new CmpExpression(Register.R1, new Bytes([reply ? (byte)1 : (byte)0])),
        .. MarkedEither(mark),
    ];

    public static Expression[] MarkedEither(uint mark) =>
    [
        new ConntrackExpression(ConntrackKey.Mark, Register.R1),
        new BitwiseExpression(Register.R1, Number(AttachmentNames.MarkMask), Number(0)),
        new CmpExpression(Register.R1, Number(mark)),
    ];

    public static Expression[] HasAnyBit(ConntrackKey key, uint bits) =>
    [
        new ConntrackExpression(key, Register.R1),
        new BitwiseExpression(Register.R1, Number(bits), Number(0)),
        new CmpExpression(Register.R1, Number(0), NotEqual: true),
    ];

    public static Expression[] MarkConnection(uint mark) =>
    [
        new ConntrackExpression(ConntrackKey.Mark, Register.R1),
        SetMark(mark),
        new ConntrackExpression(ConntrackKey.Mark, Register.R1, Set: true),
    ];

    public static Expression[] MarkPacket(uint mark) =>
        [new MetaExpression(MetaKey.Mark, Register.R1), SetMark(mark), new MetaExpression(MetaKey.Mark, Register.R1, Set: true)];

    private static BitwiseExpression SetMark(uint mark) => new(Register.R1, Number(~AttachmentNames.MarkMask), Number(mark));

    public static TableFamily FamilyOf(AddressFamily family) => family == AddressFamily.InterNetwork ? TableFamily.IPv4 : TableFamily.IPv6;

    public static Bytes BytesOf(IPAddress address) => new(address.GetAddressBytes());

    /// <summary>A number in register format: four bytes in host byte order.</summary>
    public static Bytes Number(uint value) => new(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)));
}
