using System.Collections.Immutable;
using System.Text;
using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>A chain.</summary>
/// <param name="Name">Its name in the table.</param>
/// <param name="Base">Where it stands in a packet's way; null for a chain that is only jumped to.</param>
public sealed record Chain(string Name, BaseChain? Base = null)
{
    /// <summary>
    /// How many rules there are in an observed base chain, or of another also such as jump to it. It is no part of the chain.
    /// </summary>
    public uint Uses { get; init; }

    /// <summary>Whether name and place are.</summary>
    public bool Equals(Chain? other) => other is not null && Name == other.Name && Base == other.Base;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Base);

    internal void WriteTo(MessageWriter writer, string table)
    {
        writer.AttributeString(NFTA_CHAIN_TABLE, table);
        writer.AttributeString(NFTA_CHAIN_NAME, Name);
        if (Base is null)
        {
            return;
        }

        writer.AttributeString(NFTA_CHAIN_TYPE, Base.Type);
        writer.AttributeUInt32BigEndian(NFTA_CHAIN_POLICY, (uint)Base.Policy);
        int hook = writer.BeginNested(NFTA_CHAIN_HOOK | NLA_F_NESTED);
        writer.AttributeUInt32BigEndian(NFTA_HOOK_HOOKNUM, (uint)Base.Hook);
        writer.AttributeUInt32BigEndian(NFTA_HOOK_PRIORITY, (uint)Base.Priority);
        writer.EndNested(hook);
    }

    /// <summary>The chain and its table's name.</summary>
    internal static (string Table, Chain Chain) Read(Message message)
    {
        AttributeReader attributes = message.Attributes(NfHeaderLength);
        (string table, string name, string type) = ("", "", "");
        (uint? hook, int priority, Verdict policy, uint uses) = (null, 0, Verdict.Accept, 0);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case NFTA_CHAIN_TABLE: table = attribute.Text(); break;
                case NFTA_CHAIN_NAME: name = attribute.Text(); break;
                case NFTA_CHAIN_TYPE: type = attribute.Text(); break;
                case NFTA_CHAIN_POLICY: policy = (Verdict)attribute.UInt32BigEndian(); break;
                case NFTA_CHAIN_USE: uses = attribute.UInt32BigEndian(); break;
                case NFTA_CHAIN_HOOK:
                    var fields = new ExpressionFields(attribute.Value);
                    hook = fields.Number(NFTA_HOOK_HOOKNUM);
                    priority = (int)(fields.Number(NFTA_HOOK_PRIORITY) ?? 0);
                    break;
                default: break;
            }
        }

        return (table,
            new Chain(name, hook is uint number ? new BaseChain(type, (NetFilterHook)number, priority, policy) : null) { Uses = uses });
    }
}

/// <summary>Where a base chain stands.</summary>
/// <param name="Type"><c>filter</c>, <c>nat</c> or <c>route</c>.</param>
/// <param name="Hook">The point in the packet's way.</param>
/// <param name="Priority">The order among the chains at that point; lower is earlier.</param>
/// <param name="Policy">What becomes of a packet that no rule decides on: accept or drop.</param>
public sealed record BaseChain(string Type, NetFilterHook Hook, int Priority, Verdict Policy = Verdict.Accept);

/// <summary>A rule.</summary>
/// <param name="Chain">The chain that it is in.</param>
/// <param name="Expressions">Its instructions, in order.</param>
/// <param name="Comment">Its comment, at most 254 bytes of UTF-8; null for none.</param>
public sealed record Rule(string Chain, ImmutableArray<Expression> Expressions, string? Comment = null)
{
    /// <summary>Rules are equal when their instructions are, one by one.</summary>
    public bool Equals(Rule? other) =>
        other is not null && Chain == other.Chain && Comment == other.Comment && Expressions.SequenceEqual(other.Expressions);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Chain);
        hash.Add(Comment);
        foreach (Expression expression in Expressions)
        {
            hash.Add(expression);
        }

        return hash.ToHashCode();
    }

    /// <summary>The instructions, as <c>nft --debug=netlink</c> prints them.</summary>
    public override string ToString() =>
        string.Join(' ', Expressions.Select(expression => expression.ToString())) + (Comment is null ? "" : $" comment \"{Comment}\"");

    internal void WriteTo(MessageWriter writer, string table)
    {
        writer.AttributeString(NFTA_RULE_TABLE, table);
        writer.AttributeString(NFTA_RULE_CHAIN, Chain);
        int list = writer.BeginNested(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
        foreach (Expression expression in Expressions)
        {
            expression.WriteTo(writer);
        }

        writer.EndNested(list);
        if (Comment is not null)
        {
            writer.Attribute(NFTA_RULE_USERDATA, UserData(Comment));
        }
    }

    internal static Rule Read(Message message)
    {
        AttributeReader attributes = message.Attributes(NfHeaderLength);
        (string chain, string? comment) = ("", null);
        ImmutableArray<Expression>.Builder expressions = ImmutableArray.CreateBuilder<Expression>();
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case NFTA_RULE_CHAIN: chain = attribute.Text(); break;
                case NFTA_RULE_USERDATA: comment = CommentOf(attribute.Value); break;
                case NFTA_RULE_EXPRESSIONS:
                    AttributeReader list = attribute.Nested();
                    while (list.Next(out Wire.Attribute element))
                    {
                        expressions.Add(Expression.Read(element.Nested()));
                    }

                    break;
                default: break;
            }
        }

        return new Rule(chain, expressions.ToImmutable(), comment);
    }

    /// <summary>User data as nft writes it: type, length, text, zero byte.</summary>
    private static byte[] UserData(string comment)
    {
        byte[] text = Encoding.UTF8.GetBytes(comment);
        return text.Length < byte.MaxValue
            ? [NFTNL_UDATA_RULE_COMMENT, (byte)(text.Length + 1), .. text, 0]
            : throw new NetlinkException($"write the comment \"{comment}\"", Errno.EMSGSIZE);
    }

    private static string? CommentOf(ReadOnlySpan<byte> userData)
    {
        while (userData.Length >= 2 && userData.Length >= 2 + userData[1])
        {
            ReadOnlySpan<byte> value = userData.Slice(2, userData[1]);
            if (userData[0] == NFTNL_UDATA_RULE_COMMENT)
            {
                return Encoding.UTF8.GetString(value.TrimEnd((byte)0));
            }

            userData = userData[(2 + value.Length)..];
        }

        return null;
    }
}

/// <summary>A table with all that is in it.</summary>
/// <param name="Family">Which packets it sees.</param>
/// <param name="Name">Its name.</param>
/// <param name="Chains">Its chains.</param>
/// <param name="Rules">The rules of all chains; those of one chain in their order.</param>
/// <param name="Maps">Its maps, with their elements.</param>
public sealed record Table(
    TableFamily Family, string Name, ImmutableArray<Chain> Chains, ImmutableArray<Rule> Rules, ImmutableArray<Map> Maps)
{
    /// <summary>NFT_TABLE_F_*: with 1 it is dormant, and none of its rules counts.</summary>
    public uint Flags { get; init; }

    internal static string ReadName(Message message)
    {
        AttributeReader attributes = message.Attributes(NfHeaderLength);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            if (attribute.Type == NFTA_TABLE_NAME)
            {
                return attribute.Text();
            }
        }

        throw Malformed.Message("a table without a name");
    }
}

/// <summary>The fixed header of every nf_tables message (struct nfgenmsg).</summary>
internal static class NetFilterHeader
{
    public static void WriteNetFilterHeader(this MessageWriter writer, byte family, ushort resource)
    {
        writer.Byte(family);
        writer.Byte(NFNETLINK_V0);
        writer.UInt16BigEndian(resource);
    }
}
