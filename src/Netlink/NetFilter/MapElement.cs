using Netlink.Wire;

namespace Netlink.NetFilter;

/// <summary>The type of one field of a map's key or data, with nft's type number (its "datatype.h").</summary>
/// <param name="Number">nft's type number: six bits.</param>
/// <param name="Length">The length in bytes.</param>
public readonly record struct SetDataType(uint Number, uint Length)
{
    /// <summary><c>ipv4_addr</c>.</summary>
    public static SetDataType IPv4Address => new(7, 4);

    /// <summary><c>ipv6_addr</c>.</summary>
    public static SetDataType IPv6Address => new(8, 16);

    /// <summary><c>inet_proto</c>: the number of a transport protocol.</summary>
    public static SetDataType TransportProtocol => new(12, 1);

    /// <summary><c>inet_service</c>: a port.</summary>
    public static SetDataType Port => new(13, 2);

    /// <summary><c>mark</c>: the mark of a packet or a connection, in host byte order.</summary>
    public static SetDataType Mark => new(19, 4);

    /// <summary><c>verdict</c>: the only field of a map's data (NFT_DATA_VERDICT); the kernel knows its length.</summary>
    public static SetDataType Verdict => new(0xffffff00, 0);

    /// <summary>The length in a concatenation, in which every field starts at a multiple of four bytes.</summary>
    public uint PaddedLength => (Length + 3) & ~3u;
}

/// <summary>An element of a map or set.</summary>
/// <param name="Key">The key, or the lowest key of an interval.</param>
/// <param name="KeyEnd">The highest key of an interval; empty if the map has no intervals.</param>
/// <param name="Data">The data of the key; empty in a set and in a map of verdicts.</param>
public readonly record struct MapElement(Bytes Key, Bytes KeyEnd, Bytes Data)
{
    /// <summary>An element of a map of verdicts.</summary>
    public MapElement(Bytes key, Decision decision)
        : this(key, default, default) => Decision = decision;

    /// <summary>The data in a map of verdicts; null in others.</summary>
    public Decision? Decision { get; init; }

    /// <summary>The element without data, which is enough to delete it.</summary>
    internal MapElement KeyOnly => new(Key, KeyEnd, default);

    /// <summary>The values of the element's counter, or its initial values. Equality ignores them.</summary>
    public Counted Counted { get; init; }

    /// <summary>Compares key and data, without the counter.</summary>
    public bool Equals(MapElement other) =>
        Key == other.Key && KeyEnd == other.KeyEnd && Data == other.Data && Decision == other.Decision;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Key, KeyEnd, Data, Decision);
}
