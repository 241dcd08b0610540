using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.Wire;

/// <summary>A netlink attribute. The typed getters throw EPROTO if the value has another length.</summary>
public readonly ref struct Attribute
{
    internal Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        Type = type;
        Value = value;
    }

    /// <summary>The attribute's type, without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER.</summary>
    public ushort Type { get; }

    /// <summary>The value, without padding.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>The one-byte value.</summary>
    public byte Byte() => Exactly(1)[0];

    /// <summary>The two-byte value, in host byte order.</summary>
    public ushort UInt16() => MemoryMarshal.Read<ushort>(Exactly(2));

    /// <summary>The two-byte value, in network byte order.</summary>
    public ushort UInt16BigEndian() => BinaryPrimitives.ReadUInt16BigEndian(Exactly(2));

    /// <summary>The four-byte value, in host byte order.</summary>
    public uint UInt32() => MemoryMarshal.Read<uint>(Exactly(4));

    /// <summary>The signed four-byte value, in host byte order.</summary>
    public int Int32() => MemoryMarshal.Read<int>(Exactly(4));

    /// <summary>The four-byte value, in network byte order.</summary>
    public uint UInt32BigEndian() => BinaryPrimitives.ReadUInt32BigEndian(Exactly(4));

    /// <summary>The eight-byte value, in network byte order.</summary>
    public ulong UInt64BigEndian() => BinaryPrimitives.ReadUInt64BigEndian(Exactly(8));

    /// <summary>The value as UTF-8 text, up to the first zero byte if there is one.</summary>
    public string Text()
    {
        int end = Value.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
    }

    /// <summary>The value as an address: 4 bytes for IPv4, 16 for IPv6.</summary>
    public IPAddress Address() => Value.Length is 4 or 16
        ? new IPAddress(Value)
        : throw Malformed.Message($"an address of {Value.Length} bytes in attribute {Type}");

    /// <summary>The nested attributes.</summary>
    public AttributeReader Nested() => new(Value);

    private ReadOnlySpan<byte> Exactly(int length) => Value.Length == length
        ? Value
        : throw Malformed.Message($"attribute {Type} has {Value.Length} bytes, {length} expected");
}

/// <summary>Iterates over attributes (struct nlattr). Every length is checked against the remaining bytes.</summary>
public ref struct AttributeReader
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Creates a reader of consecutive attributes.</summary>
    public AttributeReader(ReadOnlySpan<byte> attributes) => _rest = attributes;

    /// <summary>Reads the next attribute; returns false at the end.</summary>
    /// <exception cref="NetlinkException">EPROTO: a length is shorter than a header or exceeds the remaining bytes.</exception>
    public bool Next(out Attribute attribute)
    {
        if (_rest.IsEmpty)
        {
            attribute = default;
            return false;
        }

        ushort length = _rest.Length >= AttributeHeaderLength ? MemoryMarshal.Read<ushort>(_rest) : (ushort)0;
        if (length < AttributeHeaderLength || length > _rest.Length)
        {
            throw Malformed.Message($"an attribute says it has {length} bytes where {_rest.Length} are left");
        }

        ushort type = (ushort)(MemoryMarshal.Read<ushort>(_rest[2..]) & NLA_TYPE_MASK);
        attribute = new Attribute(type, _rest[AttributeHeaderLength..length]);
        _rest = _rest[Math.Min(Align(length), _rest.Length)..];
        return true;
    }
}
