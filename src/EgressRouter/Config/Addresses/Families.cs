using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace EgressRouter.Config;

/// <summary>Properties of the address families.</summary>
internal static class Families
{
    /// <summary>Both families, IPv4 first.</summary>
    public static ImmutableArray<AddressFamily> All { get; } = [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    /// <summary><c>IPv4</c> or <c>IPv6</c>.</summary>
    public static string Text(this AddressFamily family) => family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";

    /// <summary>32 or 128.</summary>
    public static int AddressBits(this AddressFamily family) => family == AddressFamily.InterNetwork ? 32 : 128;

    /// <summary>0.0.0.0 or ::.</summary>
    public static IPAddress Any(this AddressFamily family) => family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;

    /// <summary>The network address of the address's subnet.</summary>
    public static IPAddress Network(this IPAddress address, int prefixLength)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int bit = prefixLength; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPAddress(bytes);
    }
}
