using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>
/// A set of IPv4 and IPv6 addresses. IPv4 addresses are stored at ::ffff:0:0/96 (RFC 4291), as in squid; no IPv6 network that is
/// written for squid contains them.
/// </summary>
internal sealed class AddressSet
{
    /// <summary>The first IPv4-mapped IPv6 address.</summary>
    private static readonly UInt128 _mapped = (UInt128)0xffff << 32;

    /// <summary>Sorted and disjoint; no range crosses a border of <see cref="_mapped"/>.</summary>
    private readonly List<(UInt128 First, UInt128 Last)> _ranges;

    private AddressSet(IEnumerable<(UInt128 First, UInt128 Last)> ranges)
    {
        _ranges = [];
        foreach ((UInt128 first, UInt128 last) in ranges.OrderBy(range => range.First))
        {
            if (_ranges.Count > 0 && _ranges[^1].Last is UInt128 before && (first <= before || first == before + 1) && !IsBorder(first))
            {
                _ranges[^1] = (_ranges[^1].First, UInt128.Max(before, last));
            }
            else
            {
                _ranges.Add((first, last));
            }
        }
    }

    /// <summary>Returns the addresses of networks.</summary>
    public static AddressSet Of(IEnumerable<(IPAddress Address, int PrefixLength)> networks) =>
        new(networks.SelectMany(network => RangesOf(network.Address, network.PrefixLength)));

    /// <summary>The IPv6 addresses below the IPv4 ones that no host has (RFC 4291, section 2.5.5.1), as a squid range.</summary>
    public const string Reserved = "::2-::fffe:ffff:ffff";

    /// <summary>
    /// Returns the addresses that hosts of some families can have. squid takes the first and last address of a family for those of
    /// the other one, and ignores such a range in a larger set.
    /// </summary>
    public static AddressSet HostsOf(IEnumerable<AddressFamily> families) => new(families.Select(family =>
        family == AddressFamily.InterNetwork ? (_mapped + 1, _mapped + Size(32) - 2) : (_mapped + Size(32), UInt128.MaxValue - 1)));

    public static AddressSet None { get; } = new([]);

    public bool IsEmpty => _ranges.Count == 0;

    /// <summary>Whether the set contains all addresses of a network.</summary>
    public bool Contains(IPAddress address, int prefixLength) =>
        RangesOf(address, prefixLength).All(wanted => _ranges.Any(range => range.First <= wanted.First && wanted.Last <= range.Last));

    public AddressSet Union(AddressSet other)
    {
        return new AddressSet(_ranges.Concat(other._ranges));
    }

    /// <summary>Returns the addresses of this set that are not in the other.</summary>
    public AddressSet Except(AddressSet other)
    {
        var remaining = new List<(UInt128, UInt128)>();
        foreach ((UInt128 first, UInt128 last) in _ranges)
        {
            UInt128 next = first;
            bool hasRest = true;
            foreach ((UInt128 from, UInt128 to) in other._ranges.Where(range => range.Last >= first && range.First <= last))
            {
                if (from > next)
                {
                    remaining.Add((next, from - 1));
                }

                hasRest = to < last;
                next = hasRest ? to + 1 : next;
            }

            if (hasRest)
            {
                remaining.Add((next, last));
            }
        }

        return new AddressSet(remaining);
    }

    /// <summary>
    /// Returns the set in squid's syntax: networks, else ranges. All of IPv4 is two networks, because squid takes length 0 for both
    /// families. A range below the IPv4 addresses that is no network is omitted: <see cref="Reserved"/> covers it.
    /// </summary>
    public IEnumerable<string> Texts()
    {
        foreach ((UInt128 first, UInt128 last) in _ranges)
        {
            int bits = (int)UInt128.PopCount(first ^ last);
            bool isNetwork = last - first == (bits == 128 ? UInt128.MaxValue : Size(bits) - 1) && (first & (last - first)) == 0;
            if (isNetwork && IsIpv4(first) && bits == 32)
            {
                yield return "0.0.0.0/1";
                yield return "128.0.0.0/1";
            }
            else if (isNetwork)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{AddressOf(first)}/{(IsIpv4(first) ? 32 : 128) - bits}");
            }
            else if (first >= _mapped)
            {
                yield return $"{AddressOf(first)}-{AddressOf(last)}";
            }
        }
    }

    private static UInt128 Size(int bits) => UInt128.One << bits;

    private static bool IsBorder(UInt128 first) => first == _mapped || first == _mapped + Size(32);

    private static IEnumerable<(UInt128 First, UInt128 Last)> RangesOf(IPAddress address, int length)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        int hostBits = address.AddressFamily.AddressBits() - length;
        UInt128 hosts = hostBits == 0 ? 0 : UInt128.MaxValue >> (128 - hostBits);
        UInt128 first = BinaryPrimitives.ReadUInt128BigEndian(bytes) & ~hosts;
        UInt128 last = first | hosts;
        UInt128 mappedLast = _mapped + Size(32) - 1;
        return first < _mapped && last > mappedLast ? [(first, _mapped - 1), (mappedLast + 1, last)] : [(first, last)];
    }

    private static bool IsIpv4(UInt128 value) => value >> 32 == 0xffff;

    private static IPAddress AddressOf(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new IPAddress(IsIpv4(value) ? bytes[12..] : bytes);
    }
}
