using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>
/// A set of addresses of both families. IPv4's stand where squid has them too, at ::ffff:0:0/96 (RFC 4291), so that no network
/// of IPv6 that it is told contains them.
/// </summary>
internal sealed class AddressSet
{
    /// <summary>IPv4's addresses in IPv6's.</summary>
    private static readonly UInt128 _mapped = (UInt128)0xffff << 32;

    /// <summary>In order, apart, and none on both sides of a border of <see cref="_mapped"/>.</summary>
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

    /// <summary>The addresses of networks.</summary>
    public static AddressSet Of(IEnumerable<(IPAddress Address, int PrefixLength)> networks) =>
        new(networks.SelectMany(network => RangesOf(network.Address, network.PrefixLength)));

    /// <summary>The addresses of IPv6 below IPv4's that no host has (RFC 4291, section 2.5.5.1), as squid reads a range.</summary>
    public const string Reserved = "::2-::fffe:ffff:ffff";

    /// <summary>
    /// The addresses of families that a host can have. To squid the first and the last one of a family are those of the other
    /// one too, and in a set with others it passes such a range over.
    /// </summary>
    public static AddressSet HostsOf(IEnumerable<AddressFamily> families) => new(families.Select(family =>
        family == AddressFamily.InterNetwork ? (_mapped + 1, _mapped + Size(32) - 2) : (_mapped + Size(32), UInt128.MaxValue - 1)));

    /// <summary>The empty set.</summary>
    public static AddressSet None { get; } = new([]);

    /// <summary>Whether there is no address in it.</summary>
    public bool IsEmpty => _ranges.Count == 0;

    /// <summary>Whether all addresses of a network are in it.</summary>
    public bool Contains(IPAddress address, int prefixLength) =>
        RangesOf(address, prefixLength).All(wanted => _ranges.Any(range => range.First <= wanted.First && wanted.Last <= range.Last));

    /// <summary>What is in either.</summary>
    public AddressSet Union(AddressSet other)
    {
        return new AddressSet(_ranges.Concat(other._ranges));
    }

    /// <summary>What is in this one and not in the other.</summary>
    public AddressSet Except(AddressSet other)
    {
        var left = new List<(UInt128, UInt128)>();
        foreach ((UInt128 first, UInt128 last) in _ranges)
        {
            UInt128 next = first;
            bool isLeft = true;
            foreach ((UInt128 from, UInt128 to) in other._ranges.Where(range => range.Last >= first && range.First <= last))
            {
                if (from > next)
                {
                    left.Add((next, from - 1));
                }

                isLeft = to < last;
                next = isLeft ? to + 1 : next;
            }

            if (isLeft)
            {
                left.Add((next, last));
            }
        }

        return new AddressSet(left);
    }

    /// <summary>
    /// What it consists of, as squid reads it: networks, else ranges. All of IPv4 is two networks: to squid a length of 0 is both
    /// families. What lies below IPv4's addresses is <see cref="Reserved"/>, but for single networks.
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
