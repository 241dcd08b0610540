using System.Net;
using System.Net.Sockets;
using Netlink;

namespace EgressRouter.Config;

/// <summary>
/// Derives a hardware address from an egress address, the same on every node: switches and clouds that bind the two see no
/// change when the router moves.
/// </summary>
internal static class StableMac
{
    /// <summary>
    /// "RE" in ASCII (locally administered, unicast: RFC 9542, section 2.1), then the IPv4 address or a hash of the IPv6 address.
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

/// <summary>The 32-bit FNV-1a hash, the same on every host. Not for secrets.</summary>
internal static class Fnv1a
{
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
