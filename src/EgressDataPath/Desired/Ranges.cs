using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;

namespace EgressDataPath.Desired;

/// <summary>Networks as ranges of addresses that do not touch each other: elements of an interval set must not overlap.</summary>
internal static class Ranges
{
    public static ImmutableArray<(IPAddress First, IPAddress Last)> Of(IEnumerable<IPNetwork> networks, AddressFamily family)
    {
        var merged = new List<(UInt128 First, UInt128 Last)>();
        foreach ((UInt128 first, UInt128 last) in networks.Where(network => network.BaseAddress.AddressFamily == family)
            .Select(network => RangeOf(network, family)).Order())
        {
            if (merged.Count > 0 && (merged[^1].Last == UInt128.MaxValue || first <= merged[^1].Last + 1))
            {
                merged[^1] = (merged[^1].First, UInt128.Max(merged[^1].Last, last));
            }
            else
            {
                merged.Add((first, last));
            }
        }

        return [.. merged.Select(range => (AddressOf(range.First, family), AddressOf(range.Last, family)))];
    }

    private static (UInt128 First, UInt128 Last) RangeOf(IPNetwork network, AddressFamily family)
    {
        UInt128 first = NumberOf(network.BaseAddress);
        int hostBits = family.AddressBits() - network.PrefixLength;
        return (first, first | (hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1));
    }

    private static UInt128 NumberOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static IPAddress AddressOf(UInt128 number, AddressFamily family)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(family == AddressFamily.InterNetwork ? bytes[12..] : bytes);
    }
}
