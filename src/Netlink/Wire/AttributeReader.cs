using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.Wire;

/// <summary>One attribute. The typed getters check the length and throw EPROTO when it does not fit.</summary>
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

    /// <summary>A value of one byte.</summary>
    public byte Byte() => Exactly(1)[0];

    /// <summary>A value of two bytes in the machine's byte order.</summary>
    public ushort UInt16() => MemoryMarshal.Read<ushort>(Exactly(2));

    /// <summary>A value of two bytes in network byte order.</summary>
    public ushort UInt16BigEndian() => BinaryPrimitives.ReadUInt16BigEndian(Exactly(2));

    /// <summary>A value of four bytes in the machine's byte order.</summary>
    public uint UInt32() => MemoryMarshal.Read<uint>(Exactly(4));

    /// <summary>A value of four bytes in the machine's byte order, signed.</summary>
    public int Int32() => MemoryMarshal.Read<int>(Exactly(4));

    /// <summary>A value of four bytes in network byte order.</summary>
    public uint UInt32BigEndian() => BinaryPrimitives.ReadUInt32BigEndian(Exactly(4));

    /// <summary>A value of eight bytes in network byte order.</summary>
    public ulong UInt64BigEndian() => BinaryPrimitives.ReadUInt64BigEndian(Exactly(8));

    /// <summary>A string; the zero byte at its end, if any, is left out.</summary>
    public string Text()
    {
        int end = Value.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
    }

    /// <summary>An address of 4 or 16 bytes.</summary>
    public IPAddress Address() => Value.Length is 4 or 16
        ? new IPAddress(Value)
        : throw Malformed.Message($"an address of {Value.Length} bytes in attribute {Type}");

    /// <summary>The attributes in this one.</summary>
    public AttributeReader Nested() => new(Value);

    private ReadOnlySpan<byte> Exactly(int length) => Value.Length == length
        ? Value
        : throw Malformed.Message($"attribute {Type} has {Value.Length} bytes, {length} expected");
}

/// <summary>Walks attributes (struct nlattr). Every length is checked against what is there before it is used.</summary>
public ref struct AttributeReader
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Reads these bytes.</summary>
    public AttributeReader(ReadOnlySpan<byte> attributes) => _rest = attributes;

    /// <summary>The next attribute; false at the end.</summary>
    /// <exception cref="NetlinkException">EPROTO: a length is shorter than a header or longer than what is left.</exception>
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
