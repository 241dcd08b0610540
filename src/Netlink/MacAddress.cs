using System.Buffers.Binary;

namespace Netlink;

/// <summary>An Ethernet hardware address (EUI-48), written as <c>02:42:ac:11:00:02</c>.</summary>
/// <param name="Value">The six bytes; the first one is in bits 40-47.</param>
public readonly record struct MacAddress(ulong Value)
{
    /// <summary>The length of an address in bytes.</summary>
    public const int Length = 6;

    /// <summary>Creates an address from its six bytes.</summary>
    /// <exception cref="ArgumentException">The number of bytes is not six.</exception>
    public MacAddress(ReadOnlySpan<byte> bytes)
        : this(ValueOf(bytes))
    {
    }

    /// <summary>The broadcast address, ff:ff:ff:ff:ff:ff.</summary>
    public static MacAddress Broadcast { get; } = new([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

    /// <summary>Parses six colon-separated pairs of hexadecimal digits; returns null for any other text.</summary>
    public static MacAddress? TryParse(string? text)
    {
        Span<byte> bytes = stackalloc byte[Length];
        bool isWhole = text?.Length == (Length * 3) - 1;
        for (int i = 0; i < Length && isWhole; i++)
        {
            ReadOnlySpan<char> digits = text.AsSpan(i * 3, 2);
            isWhole = Convert.FromHexString(digits, bytes[i..], out _, out _) == System.Buffers.OperationStatus.Done
                && (i == Length - 1 || text![(i * 3) + 2] == ':');
        }

        return isWhole ? new MacAddress(bytes) : null;
    }

    /// <summary>Copies the six bytes to <paramref name="target"/>.</summary>
    public void CopyTo(Span<byte> target)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(number, Value);
        number[2..].CopyTo(target);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Length];
        CopyTo(bytes);
        return string.Join(':', Convert.ToHexStringLower(bytes).Chunk(2).Select(pair => new string(pair)));
    }

    private static ulong ValueOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
        {
            throw new ArgumentException($"{bytes.Length} bytes, where a hardware address has {Length}", nameof(bytes));
        }

        Span<byte> number = stackalloc byte[8];
        number.Clear();
        bytes.CopyTo(number[2..]);
        return BinaryPrimitives.ReadUInt64BigEndian(number);
    }
}
