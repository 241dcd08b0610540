using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;
using static EgressDataPath.Desired.TableParts;
using static EgressRouter.State.Nftables.NftParts;

namespace EgressDataPath.Desired;

/// <summary>Collects chains, rules and maps of the table, and the ways out that its chains lead to.</summary>
internal sealed class TableBuilder(Settings settings, NodeNumbers numbers)
{
    public const string TunnelPrefix = "to_";

    public const string LinkPrefix = "by_";

    /// <summary>For packets that leave by the node's own routes.</summary>
    public const string HereChain = "here";

    /// <summary>For packets that must not leave now.</summary>
    public const string HoldChain = "hold";

    private readonly ImmutableArray<Chain>.Builder _chains = ImmutableArray.CreateBuilder<Chain>();

    private readonly ImmutableArray<Rule>.Builder _rules = ImmutableArray.CreateBuilder<Rule>();

    private readonly ImmutableArray<Map>.Builder _maps = ImmutableArray.CreateBuilder<Map>();

    private readonly SortedSet<string> _ways = new(StringComparer.Ordinal);

    public Settings Settings => settings;

    public NodeNumbers Numbers => numbers;

    /// <summary>The chain, and what it does with packets that its rules do not decide: nothing.</summary>
    public void Hook(string name, string type, NetFilterHook hook, int priority) =>
        _chains.Add(new Chain(name, new BaseChain(type, hook, priority)));

    public void Chain(string name) => _chains.Add(new Chain(name));

    public void Rule(string chain, params Expression[] expressions) => _rules.Add(new Rule(chain, [.. expressions]));

    public void Map(Map map) => _maps.Add(map);

    /// <summary>A rule for each family: what goes to a network inside.</summary>
    public void Inside(string chain, params Expression[] action)
    {
        foreach (AddressFamily family in Families.All)
        {
            // meta nfproto ipv4 ip daddr @inside4 ACTION
            Rule(chain, [.. OfFamily(FamilyOf(family)), LoadDestination(family, Register.R1),
                new LookupExpression(Named("inside", family), Register.R1), .. action]);
        }
    }

    /// <summary>The chain of a way. It is made when all ways are known.</summary>
    public string ChainOf(Way way)
    {
        string chain = way switch
        {
            Way.Tunnel tunnel => TunnelPrefix + Identifier(tunnel.Node),
            Way.Here { Link: string link } => LinkPrefix + link,
            Way.Here => HereChain,
            _ => HoldChain,
        };
        if (chain != HoldChain)
        {
            _ways.Add(chain);
        }

        return chain;
    }

    /// <summary>The table, with a chain for each way.</summary>
    public Table ToTable(params ReadOnlySpan<string> counters)
    {
        foreach (string way in _ways)
        {
            Chain(way);
            // meta mark set meta mark and 0xffffff80 or HOP accept
            Rule(way, [.. way == HereChain ? [] : SetPacketMark(settings, numbers.Hops.Of(way)), new ImmediateExpression(Verdict.Accept)]);
        }

        return new Table(TableFamily.Inet, Settings.Table, _chains.ToImmutable(), _rules.ToImmutable(), _maps.ToImmutable())
        {
            Counters = [.. counters.ToArray().Select(name => new NamedCounter(name))],
        };
    }

    /// <summary>An address as a part of an nft identifier, which has no colon.</summary>
    public static string Identifier(IPAddress address) => address.ToString().Replace(':', '_');
}
