using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace EgressRouter.Config;

/// <summary>Prefix arithmetic for both families.</summary>
internal static class Subnet
{
    /// <summary>Whether two addresses have the same family and the same first <paramref name="length"/> bits (at least one).</summary>
    public static bool Contains(IPAddress subnet, int length, IPAddress address)
    {
        int width = subnet.AddressFamily.AddressBits();
        return width == address.AddressFamily.AddressBits() && (BitsOf(subnet) ^ BitsOf(address)) >> (width - length) == 0;
    }

    /// <summary>
    /// Whether the address is the first of its IPv4 subnet, which no host has. /31 and /32 have no network address (RFC 3021).
    /// </summary>
    public static bool IsNetworkAddress(IPAddress address, int length) =>
        HasReservedEnds(address, length) && (BitsOf(address) & HostMask(length)) == 0;

    /// <summary>Whether the address is the last of its IPv4 subnet, the broadcast address. /31 and /32 have none.</summary>
    public static bool IsBroadcastAddress(IPAddress address, int length) =>
        HasReservedEnds(address, length) && (BitsOf(address) & HostMask(length)) == HostMask(length);

    private static bool HasReservedEnds(IPAddress address, int length) =>
        address.AddressFamily == AddressFamily.InterNetwork && length <= 30;

    private static UInt128 HostMask(int length) => (UInt128.One << (32 - length)) - 1;

    private static UInt128 BitsOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes[(16 - (address.AddressFamily.AddressBits() / 8))..], out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
