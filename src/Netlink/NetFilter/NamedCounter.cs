using System.Text;
using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>A counter of a table, which several rules can share (NFT_OBJECT_COUNTER) and which stays when rules are replaced.</summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Counted">The values; in a new counter, its initial values.</param>
public sealed record NamedCounter(string Name, Counted Counted = default)
{
    internal void WriteTo(MessageWriter writer, string table)
    {
        WriteKey(writer, table, Name);
        int data = writer.BeginNested(NFTA_OBJ_DATA | NLA_F_NESTED);
        CounterExpression.WriteValues(writer, Counted);
        writer.EndNested(data);
    }

    internal static void WriteKey(MessageWriter writer, string table, string name)
    {
        writer.AttributeString(NFTA_OBJ_TABLE, table);
        writer.AttributeString(NFTA_OBJ_NAME, name);
        writer.AttributeUInt32BigEndian(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
    }

    /// <summary>Reads the counter and the name of its table; null for an object of another type.</summary>
    internal static (string Table, NamedCounter Counter)? Read(Message message)
    {
        ExpressionFields fields = ExpressionFields.Of(message);
        return fields.Number(NFTA_OBJ_TYPE) == NFT_OBJECT_COUNTER
            && fields.Text(NFTA_OBJ_TABLE) is string table
            && fields.Text(NFTA_OBJ_NAME) is string name
            && fields.Nested(NFTA_OBJ_DATA, out ExpressionFields data)
                ? (table, new NamedCounter(name, CounterExpression.Read(data).Counted))
                : null;
    }
}

/// <summary>Counts packets and bytes in a <see cref="NamedCounter"/> of the table.</summary>
/// <param name="Counter">The name of the counter.</param>
public sealed record CounterReferenceExpression(string Counter) : Expression
{
    private const ushort NFTA_OBJREF_IMM_TYPE = 1;
    private const ushort NFTA_OBJREF_IMM_NAME = 2;

    /// <inheritdoc/>
    public override string Name => "objref";

    /// <inheritdoc/>
    public override string ToString() => $"[ objref type {NFT_OBJECT_COUNTER} name {Counter} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
        writer.Attribute(NFTA_OBJREF_IMM_NAME, Encoding.UTF8.GetBytes(Counter));
    }

    internal static CounterReferenceExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_OBJREF_IMM_TYPE) == NFT_OBJECT_COUNTER && fields.Text(NFTA_OBJREF_IMM_NAME) is string name
            ? new CounterReferenceExpression(name)
            : null;
}
