using Netlink.Wire;

namespace Netlink.NetFilter;

/// <summary>Loads the Jenkins hash of a register modulo a number, plus an offset.</summary>
/// <param name="Source">The register in which the bytes begin.</param>
/// <param name="Length">The number of bytes.</param>
/// <param name="Target">The register that receives the result, four bytes in host byte order.</param>
/// <param name="Modulus">The modulus; the result is smaller than it, plus <paramref name="Offset"/>.</param>
/// <param name="Seed">The seed; always given, because one chosen by the kernel would make each written rule differ.</param>
/// <param name="Offset">The number that is added.</param>
public sealed record HashExpression(Register Source, uint Length, Register Target, uint Modulus, uint Seed, uint Offset = 0) : Expression
{
    private const ushort NFTA_HASH_SREG = 1;
    private const ushort NFTA_HASH_DREG = 2;
    private const ushort NFTA_HASH_LEN = 3;
    private const ushort NFTA_HASH_MODULUS = 4;
    private const ushort NFTA_HASH_SEED = 5;
    private const ushort NFTA_HASH_OFFSET = 6;
    private const ushort NFTA_HASH_TYPE = 7;
    private const uint NFT_HASH_JENKINS = 0;

    /// <inheritdoc/>
    public override string Name => "hash";

    /// <inheritdoc/>
    public override string ToString() =>
        $"[ hash reg {Target:D} = jhash(reg {Source:D}, {Length}, {Seed}) % mod {Modulus}{(Offset == 0 ? "" : $" offset {Offset}")} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_HASH_SREG, (uint)Source);
        writer.Number(NFTA_HASH_DREG, (uint)Target);
        writer.Number(NFTA_HASH_LEN, Length);
        writer.Number(NFTA_HASH_MODULUS, Modulus);
        writer.Number(NFTA_HASH_SEED, Seed);
        if (Offset != 0)
        {
            writer.Number(NFTA_HASH_OFFSET, Offset);
        }

        writer.Number(NFTA_HASH_TYPE, NFT_HASH_JENKINS);
    }

    internal static HashExpression? Read(ExpressionFields fields) =>
        (fields.Number(NFTA_HASH_TYPE) ?? NFT_HASH_JENKINS) == NFT_HASH_JENKINS
        && fields.Number(NFTA_HASH_SREG) is uint source
        && fields.Number(NFTA_HASH_LEN) is uint length
        && fields.Number(NFTA_HASH_DREG) is uint target
        && fields.Number(NFTA_HASH_MODULUS) is uint modulus
        && fields.Number(NFTA_HASH_SEED) is uint seed
            ? new HashExpression((Register)source, length, (Register)target, modulus, seed, fields.Number(NFTA_HASH_OFFSET) ?? 0)
            : null;
}

/// <summary>Loads the TCP MSS that fits both directions of the packet's route, two bytes in host byte order.</summary>
/// <param name="Register">The register that receives the MSS.</param>
public sealed record RtExpression(Register Register) : Expression
{
    private const ushort NFTA_RT_DREG = 1;
    private const ushort NFTA_RT_KEY = 2;
    private const uint NFT_RT_TCPMSS = 3;

    /// <inheritdoc/>
    public override string Name => "rt";

    /// <inheritdoc/>
    public override string ToString() => $"[ rt load tcpmss => reg {Register:D} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_RT_KEY, NFT_RT_TCPMSS);
        writer.Number(NFTA_RT_DREG, (uint)Register);
    }

    internal static RtExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_RT_KEY) == NFT_RT_TCPMSS && fields.Number(NFTA_RT_DREG) is uint target
            ? new RtExpression((Register)target)
            : null;
}

/// <summary>Converts two bytes of a register to network byte order.</summary>
/// <param name="Register">The register to convert.</param>
public sealed record ByteorderExpression(Register Register) : Expression
{
    private const ushort NFTA_BYTEORDER_SREG = 1;
    private const ushort NFTA_BYTEORDER_DREG = 2;
    private const ushort NFTA_BYTEORDER_OP = 3;
    private const ushort NFTA_BYTEORDER_LEN = 4;
    private const ushort NFTA_BYTEORDER_SIZE = 5;
    private const uint NFT_BYTEORDER_HTON = 1;
    private const uint TwoBytes = 2;

    /// <inheritdoc/>
    public override string Name => "byteorder";

    /// <inheritdoc/>
    public override string ToString() => $"[ byteorder reg {Register:D} = hton(reg {Register:D}, 2, 2) ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_BYTEORDER_SREG, (uint)Register);
        writer.Number(NFTA_BYTEORDER_DREG, (uint)Register);
        writer.Number(NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON);
        writer.Number(NFTA_BYTEORDER_LEN, TwoBytes);
        writer.Number(NFTA_BYTEORDER_SIZE, TwoBytes);
    }

    internal static ByteorderExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_BYTEORDER_OP) == NFT_BYTEORDER_HTON
        && fields.Number(NFTA_BYTEORDER_LEN) == TwoBytes
        && fields.Number(NFTA_BYTEORDER_SIZE) == TwoBytes
        && fields.Number(NFTA_BYTEORDER_SREG) is uint source
        && fields.Number(NFTA_BYTEORDER_DREG) == source
            ? new ByteorderExpression((Register)source)
            : null;
}

/// <summary>Writes two bytes of a register into an option of the TCP header, if the header has it.</summary>
/// <param name="Register">The register that contains the bytes.</param>
/// <param name="Option">The option's kind (RFC 9293, section 3.1).</param>
/// <param name="Offset">The offset of the first byte in the option.</param>
public sealed record ExthdrExpression(Register Register, byte Option, uint Offset) : Expression
{
    private const ushort NFTA_EXTHDR_TYPE = 2;
    private const ushort NFTA_EXTHDR_OFFSET = 3;
    private const ushort NFTA_EXTHDR_LEN = 4;
    private const ushort NFTA_EXTHDR_FLAGS = 5;
    private const ushort NFTA_EXTHDR_OP = 6;
    private const ushort NFTA_EXTHDR_SREG = 7;
    private const uint NFT_EXTHDR_OP_TCPOPT = 1;
    private const uint TwoBytes = 2;

    /// <inheritdoc/>
    public override string Name => "exthdr";

    /// <inheritdoc/>
    public override string ToString() => $"[ exthdr write tcpopt reg {Register:D} => 2b @ {Option} + {Offset} ]";

    internal override void WriteData(MessageWriter writer)
    {
        writer.Number(NFTA_EXTHDR_SREG, (uint)Register);
        writer.AttributeByte(NFTA_EXTHDR_TYPE, Option);
        writer.Number(NFTA_EXTHDR_OFFSET, Offset);
        writer.Number(NFTA_EXTHDR_LEN, TwoBytes);
        writer.Number(NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
    }

    internal static ExthdrExpression? Read(ExpressionFields fields) =>
        fields.Number(NFTA_EXTHDR_OP) == NFT_EXTHDR_OP_TCPOPT
        && (fields.Number(NFTA_EXTHDR_FLAGS) ?? 0) == 0
        && fields.Number(NFTA_EXTHDR_LEN) == TwoBytes
        && fields.Number(NFTA_EXTHDR_SREG) is uint source
        && fields.Byte(NFTA_EXTHDR_TYPE) is byte option
        && fields.Number(NFTA_EXTHDR_OFFSET) is uint offset
            ? new ExthdrExpression((Register)source, option, offset)
            : null;
}
