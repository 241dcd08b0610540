using System.Buffers.Binary;
using System.Net;
using EgressRouter.Config;
using Netlink.NetFilter;

namespace EgressRouter.State.Nftables;

/// <summary>Map elements in <c>nft</c> syntax: <c>tcp . 80 : 192.168.12.91 . 80</c>.</summary>
internal static class MapText
{
    public static string Of(MapElement element)
    {
        ReadOnlySpan<byte> key = element.Key.Span;
        if (key.Length != 8)
        {
            return $"{element.Key} : {element.Data}";
        }

        string ports = element.KeyEnd.Length == key.Length ? $"{Port(key)}-{Port(element.KeyEnd.Span)}" : $"{Port(key)}";
        return $"{((TransportProtocol)key[0]).ToString().ToLowerInvariant()} . {ports} : {Data(element.Data.Span)}";
    }

    private static ushort Port(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt16BigEndian(key[4..]);

    private static string Data(ReadOnlySpan<byte> data) => data.Length switch
    {
        4 or 16 => $"{new IPAddress(data)}",
        8 or 20 => $"{new IPAddress(data[..^4])} . {BinaryPrimitives.ReadUInt16BigEndian(data[^4..])}",
        _ => Convert.ToHexStringLower(data),
    };
}
