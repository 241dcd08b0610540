using System.Net;
using System.Net.Sockets;
using Netlink;

namespace EgressRouter.Config;

/// <summary>
/// The hardware address that belongs to an egress address, the same on every node: a switch or a cloud that ties the two
/// together sees no change when the router moves.
/// </summary>
internal static class StableMac
{
    /// <summary>
    /// "RE" in ASCII (locally administered, unicast: RFC 9542, section 2.1), then the IPv4 address, or a hash of the IPv6 one.
    /// </summary>
    public static MacAddress For(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        uint hash = Fnv1a.Of(bytes);
        return new MacAddress(address.AddressFamily == AddressFamily.InterNetwork
            ? [0x52, 0x45, .. bytes]
            : [0x52, 0x45, (byte)(hash >> 24), (byte)(hash >> 16), (byte)(hash >> 8), (byte)hash]);
    }
}

/// <summary>The FNV-1a hash of 32 bits: short, and the same everywhere. No secret may depend on it.</summary>
internal static class Fnv1a
{
    /// <summary>The hash of bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte octet in bytes)
        {
            hash = unchecked((hash ^ octet) * 16777619);
        }

        return hash;
    }
}
