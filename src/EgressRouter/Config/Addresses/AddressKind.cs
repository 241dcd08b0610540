using System.Net;
using System.Net.Sockets;

namespace EgressRouter.Config;

internal static class AddressKinds
{
    public static AddressKind Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return address.AddressFamily == AddressFamily.InterNetwork ? OfIpv4(bytes[..length]) : OfIpv6(bytes);
    }

    /// <summary>The kind as a phrase that follows "is".</summary>
    public static string Describe(AddressKind kind) => kind switch
    {
        AddressKind.Unspecified => "the unspecified address",
        AddressKind.ThisNetwork => "an address of 0.0.0.0/8, which no host has",
        AddressKind.Loopback => "a loopback address",
        AddressKind.Ipv4LinkLocal or AddressKind.Ipv6LinkLocal => "a link-local address",
        AddressKind.Multicast => "a multicast address",
        AddressKind.Ipv4Mapped => "an IPv4-mapped address",
        AddressKind.Reserved => "a reserved address (240.0.0.0/4)",
        AddressKind.Broadcast => "the broadcast address",
        _ => "a unicast address",
    };

    private static AddressKind OfIpv4(ReadOnlySpan<byte> octets) => octets[0] switch
    {
        0 => octets.ContainsAnyExcept((byte)0) ? AddressKind.ThisNetwork : AddressKind.Unspecified,
        127 => AddressKind.Loopback,
        169 when octets[1] == 254 => AddressKind.Ipv4LinkLocal,
        < 224 => AddressKind.Unicast,
        < 240 => AddressKind.Multicast,
        _ => octets.ContainsAnyExcept((byte)255) ? AddressKind.Reserved : AddressKind.Broadcast,
    };

    private static AddressKind OfIpv6(ReadOnlySpan<byte> bytes) => bytes[0] switch
    {
        0 when !bytes[..15].ContainsAnyExcept((byte)0) && bytes[15] <= 1 =>
            bytes[15] == 0 ? AddressKind.Unspecified : AddressKind.Loopback,
        0 when !bytes[..10].ContainsAnyExcept((byte)0) && bytes[10] == 0xff && bytes[11] == 0xff => AddressKind.Ipv4Mapped,
        0xfe when (bytes[1] & 0xc0) == 0x80 => AddressKind.Ipv6LinkLocal,
        0xff => AddressKind.Multicast,
        _ => AddressKind.Unicast,
    };
}

/// <summary>Kinds of addresses (RFC 6890, RFC 4291).</summary>
internal enum AddressKind
{
    /// <summary>One host.</summary>
    Unicast,

    /// <summary>0.0.0.0 or ::.</summary>
    Unspecified,

    /// <summary>0.0.0.0/8.</summary>
    ThisNetwork,

    /// <summary>127.0.0.0/8 or ::1.</summary>
    Loopback,

    /// <summary>169.254.0.0/16.</summary>
    Ipv4LinkLocal,

    /// <summary>fe80::/10.</summary>
    Ipv6LinkLocal,

    /// <summary>224.0.0.0/4 or ff00::/8.</summary>
    Multicast,

    /// <summary>::ffff:0:0/96, an IPv4 address in IPv6 form.</summary>
    Ipv4Mapped,

    /// <summary>240.0.0.0/4, the former class E.</summary>
    Reserved,

    /// <summary>255.255.255.255.</summary>
    Broadcast,
}
