using Netlink.Wire;

namespace Netlink.NetFilter;

/// <summary>Continues the rule only if a register equals a value, or differs from it.</summary>
/// <param name="Register">The register to compare.</param>
/// <param name="NotEqual">Whether the register must differ from the value.</param>
/// <param name="Value">The value.</param>
public sealed record CmpExpression(Register Register, Bytes Value, bool NotEqual = false) : Expression
{
    private const ushort NFTA_CMP_SREG = 1;
    private const ushort NFTA_CMP_OP = 2;
    private const ushort NFTA_CMP_DATA = 3;

    /// <inheritdoc/>
    public override string Name => "cmp";

    /// <inheritdoc/>
    public override string ToString() => $"[ cmp {(NotEqual ? "neq" : "eq")} reg {Register:D} {Value} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_CMP_SREG, (uint)Register);
        writer.Number(NFTA_CMP_OP, NotEqual ? 1u : 0u);
        writer.Value(NFTA_CMP_DATA, Value.Span);
    }

    internal static CmpExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_CMP_SREG) is uint source
        && fields.Number(NFTA_CMP_OP) is uint operation and <= 1
        && fields.Value(NFTA_CMP_DATA) is Bytes value
            ? new CmpExpression((Register)source, value, operation == 1)
            : null;
}

/// <summary>register = (register and mask) xor value, on four bytes.</summary>
/// <param name="Register">The register to change.</param>
/// <param name="Mask">Four bytes.</param>
/// <param name="Xor">Four bytes.</param>
public sealed record BitwiseExpression(Register Register, Bytes Mask, Bytes Xor) : Expression
{
    private const ushort NFTA_BITWISE_SREG = 1;
    private const ushort NFTA_BITWISE_DREG = 2;
    private const ushort NFTA_BITWISE_LEN = 3;
    private const ushort NFTA_BITWISE_MASK = 4;
    private const ushort NFTA_BITWISE_XOR = 5;
    private const ushort NFTA_BITWISE_OP = 6;
    private const uint NFT_BITWISE_BOOL = 0;

    /// <inheritdoc/>
    public override string Name => "bitwise";

    /// <inheritdoc/>
    public override string ToString() => $"[ bitwise reg {Register:D} = ( reg {Register:D} & {Mask} ) ^ {Xor} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_BITWISE_SREG, (uint)Register);
        writer.Number(NFTA_BITWISE_DREG, (uint)Register);
        writer.Number(NFTA_BITWISE_OP, NFT_BITWISE_BOOL);
        writer.Number(NFTA_BITWISE_LEN, (uint)Mask.Length);
        writer.Value(NFTA_BITWISE_MASK, Mask.Span);
        writer.Value(NFTA_BITWISE_XOR, Xor.Span);
    }

    internal static BitwiseExpression? Read(ExpressionFields fields) =>
        (fields.Number(NFTA_BITWISE_OP) ?? NFT_BITWISE_BOOL) == NFT_BITWISE_BOOL
        && fields.Number(NFTA_BITWISE_SREG) is uint source
        && fields.Number(NFTA_BITWISE_DREG) == source
        && fields.Value(NFTA_BITWISE_MASK) is Bytes mask
        && fields.Value(NFTA_BITWISE_XOR) is Bytes xor
            ? new BitwiseExpression((Register)source, mask, xor)
            : null;
}

/// <summary>Looks up a key in a map and loads its data; ends the rule if the key is absent.</summary>
/// <param name="Map">The name of the map or set.</param>
/// <param name="Key">The register in which the key begins.</param>
/// <param name="Data">
/// The register that receives the data: <see cref="Register.Verdict"/> for a map of verdicts, null for a set.
/// </param>
/// <param name="IsInverted">Whether the rule ends if the set has the key instead (NFT_LOOKUP_F_INV); only for a set.</param>
public sealed record LookupExpression(string Map, Register Key, Register? Data = null, bool IsInverted = false) : Expression
{
    private const uint NFT_LOOKUP_F_INV = 1;
    private const ushort NFTA_LOOKUP_SET = 1;
    private const ushort NFTA_LOOKUP_SREG = 2;
    private const ushort NFTA_LOOKUP_DREG = 3;
    private const ushort NFTA_LOOKUP_FLAGS = 5;

    /// <inheritdoc/>
    public override string Name => "lookup";

    /// <inheritdoc/>
    public override string ToString() =>
        $"[ lookup reg {Key:D} set {Map}{(Data is Register data ? $" dreg {data:D}" : "")}{(IsInverted ? " 0x1" : "")} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_LOOKUP_SREG, (uint)Key);
        if (Data is Register data)
        {
            writer.Number(NFTA_LOOKUP_DREG, (uint)data);
        }

        writer.AttributeString(NFTA_LOOKUP_SET, Map);
        if (IsInverted)
        {
            writer.Number(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
        }
    }

    internal static LookupExpression? Read(ExpressionFields fields) =>
        (fields.Number(NFTA_LOOKUP_FLAGS) ?? 0) is uint flags and <= NFT_LOOKUP_F_INV
        && fields.Text(NFTA_LOOKUP_SET) is string map
        && fields.Number(NFTA_LOOKUP_SREG) is uint key
            ? new LookupExpression(map, (Register)key, (Register?)fields.Number(NFTA_LOOKUP_DREG), flags == NFT_LOOKUP_F_INV)
            : null;
}

/// <summary>Adds a key to a set if it is absent, and counts the packet in the element's counter.</summary>
/// <param name="Set">The name of a dynamic set.</param>
/// <param name="Key">The register in which the key begins.</param>
public sealed record DynsetExpression(string Set, Register Key) : Expression
{
    private const ushort NFTA_DYNSET_SET_NAME = 1;
    private const ushort NFTA_DYNSET_OP = 3;
    private const ushort NFTA_DYNSET_SREG_KEY = 4;
    private const uint NFT_DYNSET_OP_ADD = 0;

    /// <inheritdoc/>
    public override string Name => "dynset";

    /// <inheritdoc/>
    public override string ToString() => $"[ dynset add reg_key {Key:D} set {Set} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_DYNSET_SREG_KEY, (uint)Key);
        writer.Number(NFTA_DYNSET_OP, NFT_DYNSET_OP_ADD);
        writer.AttributeString(NFTA_DYNSET_SET_NAME, Set);
    }

    internal static DynsetExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_DYNSET_OP) == NFT_DYNSET_OP_ADD
        && fields.Text(NFTA_DYNSET_SET_NAME) is string set
        && fields.Number(NFTA_DYNSET_SREG_KEY) is uint key
            ? new DynsetExpression(set, (Register)key)
            : null;
}

/// <summary>Loads a value into a register, or sets the verdict.</summary>
public sealed record ImmediateExpression : Expression
{
    private const ushort NFTA_IMMEDIATE_DREG = 1;
    private const ushort NFTA_IMMEDIATE_DATA = 2;

    /// <summary>Loads a value.</summary>
    public ImmediateExpression(Register register, Bytes value)
    {
        Register = register;
        Value = value;
    }

    /// <summary>Sets a verdict; a jump or goto names its target chain.</summary>
    public ImmediateExpression(Verdict verdict, string? chain = null)
    {
        Register = Register.Verdict;
        Verdict = verdict;
        Chain = chain;
    }

    /// <inheritdoc/>
    public override string Name => "immediate";

    /// <summary>The register that receives the value; <see cref="Register.Verdict"/> for a verdict.</summary>
    public Register Register { get; }

    /// <summary>The value; empty for a verdict.</summary>
    public Bytes Value { get; }

    /// <summary>The verdict; null for a value.</summary>
    public Verdict? Verdict { get; }

    /// <summary>The target chain of a jump or goto; null for another verdict.</summary>
    public string? Chain { get; }

    /// <inheritdoc/>
    public override string ToString() => Verdict is Verdict verdict
        ? $"[ immediate reg 0 {verdict}{(Chain is null ? "" : $" -> {Chain}")} ]"
        : $"[ immediate reg {Register:D} {Value} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_IMMEDIATE_DREG, (uint)Register);
        if (Verdict is not Verdict verdict)
        {
            writer.Value(NFTA_IMMEDIATE_DATA, Value.Span);
            return;
        }

        writer.Decision(NFTA_IMMEDIATE_DATA, new Decision(verdict, Chain));
    }

    internal static ImmediateExpression? Read(ExpressionFields fields)
    {
        if (fields.Number(NFTA_IMMEDIATE_DREG) is not uint register)
        {
            return null;
        }

        if (fields.Value(NFTA_IMMEDIATE_DATA) is Bytes value)
        {
            return new ImmediateExpression((Register)register, value);
        }

        return fields.Decision(NFTA_IMMEDIATE_DATA) is (Verdict verdict, var chain) ? new ImmediateExpression(verdict, chain) : null;
    }
}

/// <summary>Translates the source or destination of the connection.</summary>
/// <param name="Source">True to translate the source (snat), false the destination (dnat).</param>
/// <param name="Family">The family of the address; packets of the other family are not translated.</param>
/// <param name="Address">The register that contains the new address.</param>
/// <param name="Port">The register that contains the new port; null to keep the port.</param>
public sealed record NatExpression(bool Source, TableFamily Family, Register Address, Register? Port = null) : Expression
{
    private const ushort NFTA_NAT_TYPE = 1;
    private const ushort NFTA_NAT_FAMILY = 2;
    private const ushort NFTA_NAT_REG_ADDR_MIN = 3;
    private const ushort NFTA_NAT_REG_ADDR_MAX = 4;
    private const ushort NFTA_NAT_REG_PROTO_MIN = 5;
    private const ushort NFTA_NAT_REG_PROTO_MAX = 6;
    private const ushort NFTA_NAT_FLAGS = 7;

    /// <summary>NF_NAT_RANGE_MAP_IPS and NF_NAT_RANGE_PROTO_SPECIFIED, which the kernel adds itself.</summary>
    private const uint ImpliedFlags = 3;

    /// <inheritdoc/>
    public override string Name => "nat";

    /// <inheritdoc/>
    public override string ToString() =>
        $"[ nat {(Source ? "snat" : "dnat")} {Family} addr reg {Address:D}{(Port is Register port ? $" port reg {port:D}" : "")} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_NAT_TYPE, Source ? 0u : 1u);
        writer.Number(NFTA_NAT_FAMILY, (uint)Family);
        writer.Number(NFTA_NAT_REG_ADDR_MIN, (uint)Address);
        if (Port is Register port)
        {
            writer.Number(NFTA_NAT_REG_PROTO_MIN, (uint)port);
        }
    }

    internal static NatExpression? Read(ExpressionFields fields)
    {
        if (fields.Number(NFTA_NAT_TYPE) is not uint type
            || fields.Number(NFTA_NAT_FAMILY) is not uint family
            || fields.Number(NFTA_NAT_REG_ADDR_MIN) is not uint address
            || (fields.Number(NFTA_NAT_REG_ADDR_MAX) ?? address) != address
            || ((fields.Number(NFTA_NAT_FLAGS) ?? 0) & ~ImpliedFlags) != 0)
        {
            return null;
        }

        uint? port = fields.Number(NFTA_NAT_REG_PROTO_MIN);
        return (fields.Number(NFTA_NAT_REG_PROTO_MAX) ?? port) == port
            ? new NatExpression(type == 0, (TableFamily)family, (Register)address, (Register?)port)
            : null;
    }
}

/// <summary>Drops a TCP packet and answers with a TCP reset.</summary>
public sealed record ResetExpression : Expression
{
    private const ushort NFTA_REJECT_TYPE = 1;
    private const uint NFT_REJECT_TCP_RST = 1;

    /// <inheritdoc/>
    public override string Name => "reject";

    /// <inheritdoc/>
    public override string ToString() => "[ reject tcp reset ]";

    internal override void WriteData(MessageWriter writer) => writer.Number(NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);

    internal static ResetExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_REJECT_TYPE) == NFT_REJECT_TCP_RST ? new ResetExpression() : null;
}
