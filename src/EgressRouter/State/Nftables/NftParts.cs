using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using EgressRouter.Config;
using Netlink.NetFilter;
using Netlink.Wire;

namespace EgressRouter.State.Nftables;

/// <summary>Builds the expressions of nft matches that have nothing of an attachment.</summary>
internal static class NftParts
{
    private const byte Tcp = 6;

    private const byte Vrrp = 112;

    /// <summary>The offset of the destination address in an IPv4 header (RFC 791).</summary>
    public const uint Ipv4Destination = 16;

    /// <summary>The SYN flag (RFC 9293, section 3.1).</summary>
    private const byte Syn = 2;

    public static Expression[] From(string link) =>
        [new MetaExpression(MetaKey.InputInterfaceName, Register.R1), new CmpExpression(Register.R1, InterfaceNameBytes.Of(link))];

    public static Expression[] OutOf(string link) =>
        [new MetaExpression(MetaKey.OutputInterfaceName, Register.R1), new CmpExpression(Register.R1, InterfaceNameBytes.Of(link))];

    public static Expression[] SourceIs(IPAddress address) =>
    [
        .. OfFamily(FamilyOf(address.AddressFamily)),
        LoadSource(address.AddressFamily, Register.R1),
        new CmpExpression(Register.R1, BytesOf(address)),
    ];

    /// <summary>VRRP (RFC 5798) over IPv4.</summary>
    public static Expression[] IsVrrpTo(IPAddress group) =>
    [
        .. OfFamily(FamilyOf(group.AddressFamily)),
        new PayloadExpression(PayloadBase.NetworkHeader, Ipv4Destination, Length: 4, Register.R1),
        new CmpExpression(Register.R1, BytesOf(group)),
        new MetaExpression(MetaKey.TransportProtocol, Register.R1),
        new CmpExpression(Register.R1, new Bytes([Vrrp])),
    ];

    /// <summary>The source address is at byte 12 of an IPv4 header and at byte 8 of an IPv6 header (RFC 791, RFC 8200).</summary>
    public static PayloadExpression LoadSource(AddressFamily family, Register register) =>
        new(PayloadBase.NetworkHeader, family == AddressFamily.InterNetwork ? 12u : 8u, (uint)family.AddressBits() / 8, register);

    public static Expression[] NotOutOf(string link) =>
        [new MetaExpression(MetaKey.OutputInterfaceName, Register.R1),
            new CmpExpression(Register.R1, InterfaceNameBytes.Of(link), NotEqual: true)];

    public static Expression[] IsSyn() =>
    [
        new MetaExpression(MetaKey.TransportProtocol, Register.R1),
        new CmpExpression(Register.R1, new Bytes([Tcp])),
        new PayloadExpression(PayloadBase.TransportHeader, Offset: 13, Length: 1, Register.R1),
        new BitwiseExpression(Register.R1, new Bytes([Syn]), new Bytes([0])),
        new CmpExpression(Register.R1, new Bytes([0]), NotEqual: true),
    ];

    public static Expression[] OfFamily(TableFamily family) =>
        [new MetaExpression(MetaKey.NetworkProtocol, Register.R1), new CmpExpression(Register.R1, new Bytes([(byte)family]))];

    public static Expression[] HasAnyBit(ConntrackKey key, uint bits) =>
    [
        new ConntrackExpression(key, Register.R1),
        new BitwiseExpression(Register.R1, Number(bits), Number(0)),
        new CmpExpression(Register.R1, Number(0), NotEqual: true),
    ];

    public static TableFamily FamilyOf(AddressFamily family) => family == AddressFamily.InterNetwork ? TableFamily.IPv4 : TableFamily.IPv6;

    public static Bytes BytesOf(IPAddress address) => new(address.GetAddressBytes());

    /// <summary>A number in register format: four bytes in host byte order.</summary>
    public static Bytes Number(uint value) => new(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)));
}
