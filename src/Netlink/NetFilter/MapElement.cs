using Netlink.Wire;

namespace Netlink.NetFilter;

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

    /// <summary>Whether the kernel's element is not an interval, but the first key after one (<see cref="Intervals"/>).</summary>
    internal bool IsEnd { get; init; }

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
