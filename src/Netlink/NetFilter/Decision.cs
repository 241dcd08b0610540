using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>A verdict on a packet (NF_*, enum nft_verdicts).</summary>
public enum Verdict
{
    /// <summary>Drops the packet.</summary>
    Drop = 0,

    /// <summary>Accepts the packet in this base chain.</summary>
    Accept = 1,

    /// <summary>Continues in another chain, which returns at its end.</summary>
    Jump = -3,

    /// <summary>Continues in another chain, which returns to the caller of this one at its end.</summary>
    Goto = -4,

    /// <summary>Returns to the calling chain.</summary>
    Return = -5,
}

/// <summary>A verdict with its chain: the data of an element in a map of verdicts (NFTA_DATA_VERDICT).</summary>
/// <param name="Verdict">The verdict.</param>
/// <param name="Chain">The target chain of a jump or goto; null for another verdict.</param>
public sealed record Decision(Verdict Verdict, string? Chain = null);

/// <summary>Writes and reads verdicts.</summary>
internal static class DecisionAttributes
{
    public static void Decision(this MessageWriter writer, ushort type, Decision decision)
    {
        int data = writer.BeginNested((ushort)(type | NLA_F_NESTED));
        int verdict = writer.BeginNested(NFTA_DATA_VERDICT | NLA_F_NESTED);
        writer.Number(NFTA_VERDICT_CODE, (uint)(int)decision.Verdict);
        if (decision.Chain is not null)
        {
            writer.AttributeString(NFTA_VERDICT_CHAIN, decision.Chain);
        }

        writer.EndNested(verdict);
        writer.EndNested(data);
    }

    /// <summary>The verdict in an attribute; null if it has none.</summary>
    public static Decision? Decision(this ExpressionFields fields, ushort type) =>
        fields.Nested(type, out ExpressionFields data)
        && data.Nested(NFTA_DATA_VERDICT, out ExpressionFields verdict)
        && verdict.Number(NFTA_VERDICT_CODE) is uint code
            ? new Decision((Verdict)(int)code, verdict.Text(NFTA_VERDICT_CHAIN))
            : null;
}
