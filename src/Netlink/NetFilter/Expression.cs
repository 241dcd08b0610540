using System.Text;
using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>
/// An nf_tables expression of a rule (NFTA_EXPR_NAME, NFTA_EXPR_DATA). <see cref="object.ToString"/> uses the notation of
/// <c>nft --debug=netlink</c>.
/// </summary>
public abstract record Expression
{
    /// <summary>The kernel's name of the expression, such as <c>cmp</c>.</summary>
    public abstract string Name { get; }

    internal abstract void WriteData(MessageWriter writer);

    internal void WriteTo(MessageWriter writer, ushort attribute = NFTA_LIST_ELEM)
    {
        int element = writer.BeginNested((ushort)(attribute | NLA_F_NESTED));
        writer.AttributeString(NFTA_EXPR_NAME, Name);
        int data = writer.BeginNested(NFTA_EXPR_DATA | NLA_F_NESTED);
        WriteData(writer);
        writer.EndNested(data);
        writer.EndNested(element);
    }

    internal static Expression Read(AttributeReader attributes)
    {
        string name = "";
        ReadOnlySpan<byte> data = default;
        while (attributes.Next(out Wire.Attribute attribute))
        {
            if (attribute.Type == NFTA_EXPR_NAME)
            {
                name = attribute.Text();
            }
            else if (attribute.Type == NFTA_EXPR_DATA)
            {
                data = attribute.Value;
            }
        }

        var fields = new ExpressionFields(data);
        Expression? known = name switch
        {
            "meta" => MetaExpression.Read(fields),
            "ct" => ConntrackExpression.Read(fields),
            "cmp" => CmpExpression.Read(fields),
            "bitwise" => BitwiseExpression.Read(fields),
            "payload" => PayloadExpression.Read(fields),
            "lookup" => LookupExpression.Read(fields),
            "immediate" => ImmediateExpression.Read(fields),
            "nat" => NatExpression.Read(fields),
            "fib" => FibExpression.Read(fields),
            "hash" => HashExpression.Read(fields),
            "rt" => RtExpression.Read(fields),
            "byteorder" => ByteorderExpression.Read(fields),
            "exthdr" => ExthdrExpression.Read(fields),
            "counter" => CounterExpression.Read(fields),
            "objref" => CounterReferenceExpression.Read(fields),
            "dynset" => DynsetExpression.Read(fields),
            "reject" => ResetExpression.Read(fields),
            _ => null,
        };
        return known ?? new OtherExpression(name, new Bytes(data));
    }
}

/// <summary>
/// The attributes of an expression by type. An absent field, or one of another length, is null: the expression then becomes an
/// <see cref="OtherExpression"/>, which equals no expression of this library.
/// </summary>
internal readonly ref struct ExpressionFields(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;

    /// <summary>The attributes of an nf_tables message.</summary>
    public static ExpressionFields Of(Message message) => new(message.Payload[Math.Min(NfHeaderLength, message.Payload.Length)..]);

    public uint? Number(ushort type) =>
        Find(type, out Wire.Attribute attribute) && attribute.Value.Length == 4 ? attribute.UInt32BigEndian() : null;

    public ulong? LongNumber(ushort type) =>
        Find(type, out Wire.Attribute attribute) && attribute.Value.Length == 8 ? attribute.UInt64BigEndian() : null;

    public byte? Byte(ushort type) => Find(type, out Wire.Attribute attribute) && attribute.Value.Length == 1 ? attribute.Byte() : null;

    public string? Text(ushort type) => Find(type, out Wire.Attribute attribute) ? attribute.Text() : null;

    public Bytes? Value(ushort type)
    {
        if (!Find(type, out Wire.Attribute attribute))
        {
            return null;
        }

        var data = new ExpressionFields(attribute.Value);
        return data.Find(NFTA_DATA_VALUE, out Wire.Attribute value) ? new Bytes(value.Value) : null;
    }

    /// <summary>The value as it is; empty if there is none.</summary>
    public ReadOnlySpan<byte> Raw(ushort type) => Find(type, out Wire.Attribute attribute) ? attribute.Value : default;

    public bool Nested(ushort type, out ExpressionFields fields)
    {
        bool found = Find(type, out Wire.Attribute attribute);
        fields = new ExpressionFields(found ? attribute.Value : default);
        return found;
    }

    private bool Find(ushort type, out Wire.Attribute found)
    {
        var reader = new AttributeReader(_data);
        while (reader.Next(out found))
        {
            if (found.Type == type)
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Writes the attribute kinds that expressions share.</summary>
internal static class ExpressionWriter
{
    public static void Number(this MessageWriter writer, ushort type, uint value) => writer.AttributeUInt32BigEndian(type, value);

    public static void Value(this MessageWriter writer, ushort type, ReadOnlySpan<byte> value)
    {
        int data = writer.BeginNested((ushort)(type | NLA_F_NESTED));
        writer.Attribute(NFTA_DATA_VALUE, value);
        writer.EndNested(data);
    }
}

/// <summary>An expression that this library does not know.</summary>
/// <param name="Kind">The kernel's name of the expression.</param>
/// <param name="Data">The attributes in wire format.</param>
public sealed record OtherExpression(string Kind, Bytes Data) : Expression
{
    /// <inheritdoc/>
    public override string Name => Kind;

    /// <inheritdoc/>
    public override string ToString() => $"[ {Kind} {Data} ]";

    internal override void WriteData(MessageWriter writer)
    {
        var reader = new AttributeReader(Data.Span);
        while (reader.Next(out Wire.Attribute attribute))
        {
            writer.Attribute(attribute.Type, attribute.Value);
        }
    }
}

/// <summary>The values of a counter.</summary>
/// <param name="Packets">The number of packets.</param>
/// <param name="Bytes">The number of bytes, including IP headers.</param>
public readonly record struct Counted(ulong Packets, ulong Bytes)
{
    /// <summary>The sum of both.</summary>
    public static Counted operator +(Counted left, Counted right) => new(left.Packets + right.Packets, left.Bytes + right.Bytes);

    /// <summary>The sum of both.</summary>
    public static Counted Add(Counted left, Counted right) => left + right;
}

/// <summary>Counts packets and bytes. All counters are equal, so that their values do not make rules differ.</summary>
public sealed record CounterExpression : Expression
{
    private const ushort NFTA_COUNTER_BYTES = 1;
    private const ushort NFTA_COUNTER_PACKETS = 2;

    /// <summary>The counter's values; in a new rule, its initial values.</summary>
    public Counted Counted { get; init; }

    /// <summary>All counters are equal.</summary>
    public bool Equals(CounterExpression? other) => other is not null;

    /// <inheritdoc/>
    public override int GetHashCode() => 0;

    /// <inheritdoc/>
    public override string Name => "counter";

    /// <inheritdoc/>
    public override string ToString() => "[ counter ]";

    internal override void WriteData(MessageWriter writer)
    {
        if (Counted != default)
        {
            WriteValues(writer, Counted);
        }
    }

    internal static void WriteValues(MessageWriter writer, Counted counted)
    {
        writer.AttributeUInt64BigEndian(NFTA_COUNTER_BYTES, counted.Bytes);
        writer.AttributeUInt64BigEndian(NFTA_COUNTER_PACKETS, counted.Packets);
    }

    internal static CounterExpression Read(ExpressionFields fields) =>
        new() { Counted = new Counted(fields.LongNumber(NFTA_COUNTER_PACKETS) ?? 0, fields.LongNumber(NFTA_COUNTER_BYTES) ?? 0) };
}

/// <summary>Converts an interface name to the value of a register: sixteen bytes, padded with zeros.</summary>
public static class InterfaceNameBytes
{
    /// <summary>The sixteen bytes (IFNAMSIZ) that <c>meta iifname</c> and <c>meta oifname</c> load.</summary>
    public static Bytes Of(string name)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        Encoding.UTF8.GetBytes(name, bytes);
        return new Bytes(bytes);
    }
}
