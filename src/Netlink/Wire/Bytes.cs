namespace Netlink.Wire;

/// <summary>Bytes that compare by value, and print as hexadecimal digits.</summary>
public readonly struct Bytes : IEquatable<Bytes>
{
    private readonly byte[]? _value;

    /// <summary>A copy of these bytes.</summary>
    public Bytes(ReadOnlySpan<byte> value) => _value = value.IsEmpty ? null : value.ToArray();

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Span => _value;

    /// <summary>How many there are.</summary>
    public int Length => _value?.Length ?? 0;

    /// <summary>Whether both have the same bytes.</summary>
    public static bool operator ==(Bytes left, Bytes right) => left.Equals(right);

    /// <summary>Whether they differ.</summary>
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

    /// <summary>Two hexadecimal digits a byte, lower case.</summary>
    public override string ToString() => Convert.ToHexStringLower(Span);
}
