namespace Netlink.Wire;

/// <summary>Immutable bytes with value equality.</summary>
public readonly struct Bytes : IEquatable<Bytes>
{
    private readonly byte[]? _value;

    /// <summary>Copies the bytes.</summary>
    public Bytes(ReadOnlySpan<byte> value) => _value = value.IsEmpty ? null : value.ToArray();

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Span => _value;

    /// <summary>The number of bytes.</summary>
    public int Length => _value?.Length ?? 0;

    /// <summary>Whether the bytes are equal.</summary>
    public static bool operator ==(Bytes left, Bytes right) => left.Equals(right);

    /// <summary>Whether the bytes differ.</summary>
    public static bool operator !=(Bytes left, Bytes right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Bytes other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Bytes other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>Two lower-case hexadecimal digits per byte.</summary>
    public override string ToString() => Convert.ToHexStringLower(Span);
}
