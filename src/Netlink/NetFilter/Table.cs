using System.Collections.Immutable;
using System.Text;
using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>An nf_tables chain.</summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Base">Type, hook and priority of a base chain; null for a chain that packets reach only by a jump.</param>
public sealed record Chain(string Name, BaseChain? Base = null)
{
    /// <summary>
    /// NFTA_CHAIN_USE of an observed chain: the number of its rules, plus the jumps to a chain that is not a base chain. Equality
    /// ignores it.
    /// </summary>
    public uint Uses { get; init; }

    /// <summary>Compares <see cref="Name"/> and <see cref="Base"/>.</summary>
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

    /// <summary>Reads the chain and the name of its table.</summary>
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

/// <summary>The properties of a base chain.</summary>
/// <param name="Type"><c>filter</c>, <c>nat</c> or <c>route</c>.</param>
/// <param name="Hook">The netfilter hook.</param>
/// <param name="Priority">The order among the chains of the hook; lower is earlier.</param>
/// <param name="Policy">The verdict on a packet that no rule decides: accept or drop.</param>
public sealed record BaseChain(string Type, NetFilterHook Hook, int Priority, Verdict Policy = Verdict.Accept);

/// <summary>An nf_tables rule.</summary>
/// <param name="Chain">The name of its chain.</param>
/// <param name="Expressions">The expressions, in order.</param>
/// <param name="Comment">The comment, at most 254 bytes of UTF-8; null for none.</param>
public sealed record Rule(string Chain, ImmutableArray<Expression> Expressions, string? Comment = null)
{
    /// <summary>Rules are equal if chain, comment and expressions are equal.</summary>
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

    /// <summary>The expressions, as <c>nft --debug=netlink</c> prints them, and the comment.</summary>
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

    /// <summary>Formats user data as nft does: type, length, text, zero byte.</summary>
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

/// <summary>An nf_tables table with its content.</summary>
/// <param name="Family">The address family.</param>
/// <param name="Name">The name.</param>
/// <param name="Chains">The chains.</param>
/// <param name="Rules">The rules of all chains; the rules of one chain are in order.</param>
/// <param name="Maps">The maps and sets, with their elements.</param>
public sealed record Table(
    TableFamily Family, string Name, ImmutableArray<Chain> Chains, ImmutableArray<Rule> Rules, ImmutableArray<Map> Maps)
{
    /// <summary>The counters that several rules can share.</summary>
    public ImmutableArray<NamedCounter> Counters { get; init; } = [];

    /// <summary>NFT_TABLE_F_*; in a dormant table (1) no rule is evaluated.</summary>
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
