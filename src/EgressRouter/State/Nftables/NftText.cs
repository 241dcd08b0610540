using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using EgressRouter.Config;
using Netlink.NetFilter;
using Netlink.Wire;

namespace EgressRouter.State.Nftables;

/// <summary>
/// Prints a table in <c>nft</c> syntax, such that <c>nft -f</c> creates the same table. Expressions are evaluated in kernel
/// order: a register holds the text of the loaded value until a comparison or a statement uses it.
/// </summary>
public static class NftText
{
    private const string Indent = "    ";

    /// <summary>The table, one statement per line.</summary>
    /// <param name="table">A table of an attachment.</param>
    public static string Of(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"table inet {table.Name} {{\n");
        foreach (Map map in table.Maps)
        {
            AppendMap(text, map);
        }

        foreach (NamedCounter counter in table.Counters)
        {
            text.Append(CultureInfo.InvariantCulture, $"{Indent}counter {counter.Name} {{\n{Indent}}}\n");
        }

        foreach (Chain chain in table.Chains)
        {
            text.Append(CultureInfo.InvariantCulture, $"{Indent}chain {chain.Name} {{\n");
            if (chain.Base is BaseChain hook)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{Indent}{Indent}type {hook.Type} hook {NameOf(hook.Hook)} priority {hook.Priority}; policy {NameOf(hook.Policy)};\n");
            }

            foreach (Rule rule in table.Rules.Where(rule => rule.Chain == chain.Name))
            {
                text.Append(CultureInfo.InvariantCulture, $"{Indent}{Indent}{new RuleWriter(rule).Text}\n");
            }

            text.Append(Indent).Append("}\n");
        }

        return text.Append("}\n").ToString();
    }

    /// <summary>One rule.</summary>
    public static string Of(Rule rule) => new RuleWriter(rule).Text;

    private static void AppendMap(StringBuilder text, Map map)
    {
        string type = string.Join(" . ",
            map.Key.Select(NameOf)) + (map.Data.IsEmpty ? "" : " : " + string.Join(" . ", map.Data.Select(NameOf)));
        List<string> lines =
        [
            $"type {type}",
            map.IsInterval ? "flags interval"
                : string.Create(CultureInfo.InvariantCulture, $"size {(map.Size > 0 ? map.Size : map.Elements.Length)}"),
            .. map.IsDynamic ? ["flags dynamic"] : Array.Empty<string>(),
            "counter",
            .. map.Elements.IsEmpty ? Array.Empty<string>()
                : [$"elements = {{ {string.Join($",\n{Indent}{Indent}{Indent}", map.Elements.Select(MapText.Of))} }}"],
        ];
        text.Append(CultureInfo.InvariantCulture, $"{Indent}{(map.Data.IsEmpty ? "set" : "map")} {map.Name} {{\n");
        lines.ForEach(line => text.Append(Indent).Append(Indent).Append(line).Append('\n'));
        text.Append(Indent).Append("}\n");
    }

    private static string NameOf(SetDataType type) =>
        type == SetDataType.IPv4Address ? "ipv4_addr"
            : type == SetDataType.IPv6Address ? "ipv6_addr"
            : type == SetDataType.Port ? "inet_service"
            : "inet_proto";

    private static string NameOf(NetFilterHook hook) => hook switch
    {
        NetFilterHook.PreRouting => "prerouting",
        NetFilterHook.LocalIn => "input",
        NetFilterHook.Forward => "forward",
        NetFilterHook.LocalOut => "output",
        _ => "postrouting",
    };

    private static string NameOf(Verdict verdict) => verdict.ToString().ToLowerInvariant();

    /// <summary>Evaluates the expressions of one rule.</summary>
    private sealed class RuleWriter
    {
        private readonly Dictionary<Register, string> _registers = [];
        private readonly List<string> _words = [];

        public RuleWriter(Rule rule)
        {
            foreach (Expression expression in rule.Expressions)
            {
                Follow(expression);
            }

            if (rule.Comment is not null)
            {
                _words.Add($"comment \"{rule.Comment}\"");
            }
        }

        public string Text => string.Join(' ', _words);

        private void Follow(Expression expression)
        {
            switch (expression)
            {
                case MetaExpression { Set: false } meta: _registers[meta.Register] = NameOf(meta.Key); break;
                case MetaExpression meta: _words.Add($"{NameOf(meta.Key)} set {At(meta.Register)}"); break;
                case ConntrackExpression { Set: false } connection: _registers[connection.Register] = $"ct {NameOf(connection.Key)}"; break;
                case ConntrackExpression connection: _words.Add($"ct {NameOf(connection.Key)} set {At(connection.Register)}"); break;
                case FibExpression { Query: FibQuery.DestinationType } fib: _registers[fib.Register] = "fib daddr type"; break;
                case FibExpression { Query: FibQuery.SourceType } fib: _registers[fib.Register] = "fib saddr type"; break;
                case CounterReferenceExpression counter: _words.Add($"counter name \"{counter.Counter}\""); break;
                case PayloadExpression payload: _registers[payload.Register] = NameOf(payload); break;
                case HashExpression { Offset: 0 } hash:
                    _registers[hash.Target] = string.Create(
                        CultureInfo.InvariantCulture, $"jhash {At(hash.Source)} mod {hash.Modulus} seed 0x{hash.Seed:x}");
                    break;
                case BitwiseExpression bits: _registers[bits.Register] = Masked(At(bits.Register), bits); break;
                case CmpExpression compare: Compare(compare); break;
                case LookupExpression { Data: null, IsInverted: false } member: _words.Add($"{KeyAt(member.Key)} @{member.Map}"); break;
                case DynsetExpression add: _words.Add($"add @{add.Set} {{ {KeyAt(add.Key)} }}"); break;
                case LookupExpression { Data: Register data and not Register.Verdict } lookup:
                    _registers[data] = $"{KeyAt(lookup.Key)} map @{lookup.Map}";
                    break;
                case ImmediateExpression { Verdict: Verdict verdict } immediate:
                    _words.Add(NftText.NameOf(verdict) + (immediate.Chain is string chain ? $" {chain}" : ""));
                    break;
                case ImmediateExpression immediate: _registers[immediate.Register] = Constant(immediate.Value.Span); break;
                case NatExpression nat:
                    _words.Add($"{(nat.Source ? "snat" : "dnat")} {(nat.Family == TableFamily.IPv4 ? "ip" : "ip6")} to {At(nat.Address)}");
                    break;
                case RtExpression size: _registers[size.Register] = "rt mtu"; break;
                case ByteorderExpression: break;
                case ExthdrExpression option: _words.Add($"tcp option maxseg size set {At(option.Register)}"); break;
                case CounterExpression: _words.Add("counter"); break;
                case ResetExpression: _words.Add("reject with tcp reset"); break;
                default: _words.Add(expression.ToString()!); break;
            }
        }

        private void Compare(CmpExpression compare)
        {
            string left = At(compare.Register);
            string not = compare.NotEqual ? "!= " : "";
            bool isAnyBit = compare.NotEqual && !compare.Value.Span.ContainsAnyExcept((byte)0);
            // In nft, "tcp flags syn" and "ct state new" match any of these bits.
            _words.Add(isAnyBit && left.EndsWith(AnyBit, StringComparison.Ordinal)
                ? left[..^AnyBit.Length]
                : $"{left} {not}{ValueFor(left, compare.Value.Span)}");
        }

        private const string AnyBit = " (any)";

        private static string Masked(string value, BitwiseExpression bits) => value switch
        {
            "ct state" => $"ct state {Bits(bits.Mask, (1, "invalid"), (2, "established"), (4, "related"), (8, "new"))}{AnyBit}",
            "ct status" => $"ct status {Bits(bits.Mask, (0x20, "dnat"))}{AnyBit}",
            "tcp flags" => $"tcp flags syn{AnyBit}",
            _ when Number(bits.Xor.Span) == 0 => $"{value} and 0x{Number(bits.Mask.Span):x8}",
            _ => $"{value} and 0x{Number(bits.Mask.Span):x8} or 0x{Number(bits.Xor.Span):x8}",
        };

        private static string Bits(Bytes mask, params (uint Bit, string Name)[] names) =>
            string.Join(',', names.Where(name => (Number(mask.Span) & name.Bit) != 0).Select(name => name.Name));

        /// <summary>
        /// The text of a register's value. Foreign rules may use registers in other ways; they are printed as far as they are understood.
        /// </summary>
        private string At(Register register) => _registers.GetValueOrDefault(register, "?");

        /// <summary>A key of two fields occupies the two halves of the first register.</summary>
        private string KeyAt(Register register) => $"{At(register)} . {At(Register.R1Second)}";

        private static string ValueFor(string left, ReadOnlySpan<byte> value) => left switch
        {
            "iifname" or "oifname" => $"\"{Encoding.UTF8.GetString(value.TrimEnd((byte)0))}\"",
            _ when value.IsEmpty => "?",
            "meta nfproto" => value[0] == (byte)TableFamily.IPv4 ? "ipv4" : "ipv6",
            "meta l4proto" => value[0] == 58 ? "ipv6-icmp" : ((TransportProtocol)value[0]).ToString().ToLowerInvariant(),
            "fib daddr type" or "fib saddr type" => "local",
            "ct direction" => value[0] == 0 ? "original" : "reply",
            "ip saddr" or "ip daddr" or "ip6 saddr" when value.Length is 4 or 16 => $"{new IPAddress(value)}",
            _ when left.Contains(" and ", StringComparison.Ordinal) => $"== 0x{Number(value):x8}",
            _ => Number(value).ToString(CultureInfo.InvariantCulture),
        };

        /// <summary>An address, or a two-byte number.</summary>
        private static string Constant(ReadOnlySpan<byte> value) => value.Length == 2
            ? BinaryPrimitives.ReadUInt16BigEndian(value).ToString(CultureInfo.InvariantCulture)
            : value.Length is 4 or 16 ? $"{new IPAddress(value)}" : $"0x{Convert.ToHexStringLower(value)}";

        private static uint Number(ReadOnlySpan<byte> value) =>
            value.Length == 4 ? MemoryMarshal.Read<uint>(value) : value.IsEmpty ? 0u : value[0];

        private static string NameOf(MetaKey key) => key switch
        {
            MetaKey.Mark => "meta mark",
            MetaKey.InputInterfaceName => "iifname",
            MetaKey.OutputInterfaceName => "oifname",
            MetaKey.InputInterfaceGroup => "iifgroup",
            MetaKey.NetworkProtocol => "meta nfproto",
            _ => "meta l4proto",
        };

        private static string NameOf(ConntrackKey key) =>
            key == ConntrackKey.OriginalDestinationPort ? "original proto-dst" : key.ToString().ToLowerInvariant();

        private static string NameOf(PayloadExpression payload) => (payload.Base, payload.Offset) switch
        {
            (PayloadBase.TransportHeader, 13) => "tcp flags",
            (PayloadBase.TransportHeader, _) => "th dport",
            (_, 12) => "ip saddr",
            (_, NftParts.Ipv4Destination) => "ip daddr",
            _ => "ip6 saddr",
        };
    }
}
