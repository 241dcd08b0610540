using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Netlink;

namespace EgressRouter.Config;

/// <summary>Hardware addresses as people write them, and the one that belongs to an egress address.</summary>
public static class MacAddressText
{
    /// <summary>
    /// The first two bytes of stable addresses ("RE" in ASCII): locally administered, unicast (RFC 9542, section 2.1).
    /// </summary>
    private const ulong StablePrefix = 0x5245;

    /// <summary>
    /// The address that belongs to an egress address, the same on every node: a switch or a cloud that ties the two
    /// together sees no change when the router moves. The last four bytes are the IPv4 address, or a hash of the IPv6 one.
    /// </summary>
    public static MacAddress StableFor(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] bytes = address.GetAddressBytes();
        return new MacAddress((StablePrefix << 32) | (address.AddressFamily == AddressFamily.InterNetwork ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : Fnv1a(bytes)));
    }

    /// <summary>Reads <c>02:00:5e:10:00:01</c>, also with dashes: an address that one link can have.</summary>
    /// <param name="text">The text.</param>
    /// <param name="address">The address.</param>
    /// <param name="reason">Why it is none, else null.</param>
    public static bool TryParse(string text, out MacAddress address, out string? reason)
    {
        ArgumentNullException.ThrowIfNull(text);
        address = default;
        string[] parts = text.Split(text.Contains('-', StringComparison.Ordinal) ? '-' : ':');
        ulong value = 0;
        foreach (string part in parts)
        {
            if (parts.Length != 6 || part.Length != 2 || !byte.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte octet))
            {
                reason = "is not a hardware address of six bytes, such as 02:00:5e:10:00:01";
                return false;
            }

            value = (value << 8) | octet;
        }

        const ulong groupBit = 1UL << 40;
        reason = value == 0 ? "no link can have it" : (value & groupBit) != 0 ? "is a group address, which no link can have" : null;
        address = new MacAddress(value);
        return reason is null;
    }

    /// <summary>The FNV-1a hash of 32 bits: no secret depends on it.</summary>
    private static uint Fnv1a(ReadOnlySpan<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte octet in bytes)
        {
            hash = unchecked((hash ^ octet) * 16777619);
        }

        return hash;
    }
}
