using Netlink.Wire;

namespace Netlink.NetFilter;

/// <summary>The property that <see cref="MetaExpression"/> loads or sets (enum nft_meta_keys).</summary>
public enum MetaKey : uint
{
    /// <summary>The packet's mark.</summary>
    Mark = 3,

    /// <summary>The name of the input interface.</summary>
    InputInterfaceName = 6,

    /// <summary>The name of the output interface.</summary>
    OutputInterfaceName = 7,

    /// <summary>The network protocol, IPv4 or IPv6, one byte.</summary>
    NetworkProtocol = 15,

    /// <summary>The transport protocol, such as TCP or UDP, one byte.</summary>
    TransportProtocol = 16,

    /// <summary>The device group of the input interface.</summary>
    InputInterfaceGroup = 21,
}

/// <summary>Loads a property of the packet into a register, or sets it from a register.</summary>
/// <param name="Key">The property.</param>
/// <param name="Register">The target register of a load, the source register of a set.</param>
/// <param name="Set">True to set the property, false to load it.</param>
public sealed record MetaExpression(MetaKey Key, Register Register, bool Set = false) : Expression
{
    private const ushort NFTA_META_DREG = 1;
    private const ushort NFTA_META_KEY = 2;
    private const ushort NFTA_META_SREG = 3;

    /// <inheritdoc/>
    public override string Name => "meta";

    /// <inheritdoc/>
    public override string ToString() => Set ? $"[ meta set {Key} with reg {Register:D} ]" : $"[ meta load {Key} => reg {Register:D} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_META_KEY, (uint)Key);
        writer.Number(Set ? NFTA_META_SREG : NFTA_META_DREG, (uint)Register);
    }

    internal static MetaExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_META_KEY) is not uint key ? null
        : fields.Number(NFTA_META_DREG) is uint target ? new MetaExpression((MetaKey)key, (Register)target)
        : fields.Number(NFTA_META_SREG) is uint source ? new MetaExpression((MetaKey)key, (Register)source, Set: true)
        : null;
}

/// <summary>The property that <see cref="ConntrackExpression"/> loads or sets (enum nft_ct_keys).</summary>
public enum ConntrackKey : uint
{
    /// <summary>The state as bits: NEW, ESTABLISHED, RELATED ...</summary>
    State = 0,

    /// <summary>0 for a packet in the original direction, 1 in the reply direction; one byte.</summary>
    Direction = 1,

    /// <summary>The IPS_* bits, such as whether the connection is translated.</summary>
    Status = 2,

    /// <summary>The connection's mark.</summary>
    Mark = 3,

    /// <summary>The destination port of the original direction, before address translation.</summary>
    OriginalDestinationPort = 12,
}

/// <summary>Loads a property of the packet's connection into a register, or sets it from a register.</summary>
/// <param name="Key">The property.</param>
/// <param name="Register">The target register of a load, the source register of a set.</param>
/// <param name="Set">True to set the property, false to load it.</param>
public sealed record ConntrackExpression(ConntrackKey Key, Register Register, bool Set = false) : Expression
{
    private const ushort NFTA_CT_DREG = 1;
    private const ushort NFTA_CT_KEY = 2;
    private const ushort NFTA_CT_DIRECTION = 3;
    private const ushort NFTA_CT_SREG = 4;

    /// <inheritdoc/>
    public override string Name => "ct";

    /// <inheritdoc/>
    public override string ToString() => Set ? $"[ ct set {Key} with reg {Register:D} ]" : $"[ ct load {Key} => reg {Register:D} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_CT_KEY, (uint)Key);
        writer.Number(Set ? NFTA_CT_SREG : NFTA_CT_DREG, (uint)Register);
        if (Key == ConntrackKey.OriginalDestinationPort)
        {
            writer.AttributeByte(NFTA_CT_DIRECTION, 0);
        }
    }

    internal static ConntrackExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_CT_KEY) is not uint key
        || fields.Byte(NFTA_CT_DIRECTION) != (key == (uint)ConntrackKey.OriginalDestinationPort ? (byte)0 : null) ? null
        : fields.Number(NFTA_CT_DREG) is uint target ? new ConntrackExpression((ConntrackKey)key, (Register)target)
        : fields.Number(NFTA_CT_SREG) is uint source ? new ConntrackExpression((ConntrackKey)key, (Register)source, Set: true)
        : null;
}

/// <summary>A header of the packet (enum nft_payload_bases).</summary>
public enum PayloadBase : uint
{
    /// <summary>The IPv4 or IPv6 header.</summary>
    NetworkHeader = 1,

    /// <summary>The header of the transport protocol, such as TCP or UDP.</summary>
    TransportHeader = 2,
}

/// <summary>Loads bytes of a header into a register.</summary>
/// <param name="Base">The header.</param>
/// <param name="Offset">The offset of the first byte.</param>
/// <param name="Length">The number of bytes.</param>
/// <param name="Register">The target register.</param>
public sealed record PayloadExpression(PayloadBase Base, uint Offset, uint Length, Register Register) : Expression
{
    private const ushort NFTA_PAYLOAD_DREG = 1;
    private const ushort NFTA_PAYLOAD_BASE = 2;
    private const ushort NFTA_PAYLOAD_OFFSET = 3;
    private const ushort NFTA_PAYLOAD_LEN = 4;

    /// <inheritdoc/>
    public override string Name => "payload";

    /// <inheritdoc/>
    public override string ToString() => $"[ payload load {Length}b @ {Base} + {Offset} => reg {Register:D} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_PAYLOAD_DREG, (uint)Register);
        writer.Number(NFTA_PAYLOAD_BASE, (uint)Base);
        writer.Number(NFTA_PAYLOAD_OFFSET, Offset);
        writer.Number(NFTA_PAYLOAD_LEN, Length);
    }

    internal static PayloadExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_PAYLOAD_BASE) is uint header
        && fields.Number(NFTA_PAYLOAD_DREG) is uint target
        && fields.Number(NFTA_PAYLOAD_OFFSET) is uint offset
        && fields.Number(NFTA_PAYLOAD_LEN) is uint length
            ? new PayloadExpression((PayloadBase)header, offset, length, (Register)target)
            : null;
}

/// <summary>What <see cref="FibExpression"/> asks the routing tables.</summary>
public enum FibQuery
{
    /// <summary>The address type of the packet's destination (<c>fib daddr type</c>): RTN_*, four bytes.</summary>
    DestinationType,

    /// <summary>The address type of the packet's source (<c>fib saddr type</c>): RTN_*, four bytes.</summary>
    SourceType,

    /// <summary>
    /// Whether a route to the packet's source leaves by the packet's input interface (<c>fib saddr . iif oif</c>, which nft compares
    /// with <c>exists</c> or <c>missing</c>): 1 or 0, four bytes. Only in the hooks of received packets.
    /// </summary>
    HasReversePath,
}

/// <summary>Loads the answer of the routing tables about the packet's source or destination.</summary>
/// <param name="Register">The target register.</param>
/// <param name="Query">The question.</param>
public sealed record FibExpression(Register Register, FibQuery Query = FibQuery.DestinationType) : Expression
{
    private const ushort NFTA_FIB_DREG = 1;
    private const ushort NFTA_FIB_RESULT = 2;
    private const ushort NFTA_FIB_FLAGS = 3;
    private const uint NFT_FIB_RESULT_OIF = 1;
    private const uint NFT_FIB_RESULT_ADDRTYPE = 3;
    private const uint NFTA_FIB_F_SADDR = 1;
    private const uint NFTA_FIB_F_DADDR = 2;

    /// <summary>NFTA_FIB_F_SADDR, NFTA_FIB_F_IIF and NFTA_FIB_F_PRESENT.</summary>
    private const uint ReversePathFlags = NFTA_FIB_F_SADDR | 8 | 32;

    /// <inheritdoc/>
    public override string Name => "fib";

    /// <inheritdoc/>
    public override string ToString()
    {
        string query = Query switch
        {
            FibQuery.DestinationType => "daddr type",
            FibQuery.SourceType => "saddr type",
            _ => "saddr . iif oif present",
        };
        return $"[ fib {query} => reg {Register:D} ]";
    }

    internal override void WriteData(MessageWriter writer)
    {
        (uint flags, uint result) = Query switch
        {
            FibQuery.DestinationType => (NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE),
            FibQuery.SourceType => (NFTA_FIB_F_SADDR, NFT_FIB_RESULT_ADDRTYPE),
            _ => (ReversePathFlags, NFT_FIB_RESULT_OIF),
        };
        writer.Number(NFTA_FIB_FLAGS, flags);
        writer.Number(NFTA_FIB_RESULT, result);
        writer.Number(NFTA_FIB_DREG, (uint)Register);
    }

    internal static FibExpression? Read(ExpressionFields fields)
    {
        FibQuery? known = (fields.Number(NFTA_FIB_FLAGS), fields.Number(NFTA_FIB_RESULT)) switch
        {
            (NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE) => FibQuery.DestinationType,
            (NFTA_FIB_F_SADDR, NFT_FIB_RESULT_ADDRTYPE) => FibQuery.SourceType,
            (ReversePathFlags, NFT_FIB_RESULT_OIF) => FibQuery.HasReversePath,
            _ => null,
        };
        return known is FibQuery query && fields.Number(NFTA_FIB_DREG) is uint target ? new FibExpression((Register)target, query) : null;
    }
}
