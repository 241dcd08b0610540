using System.Collections.Immutable;
using System.Net;
using EgressRouter.Tools;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressOperator.Trace;

/// <summary>The first packet of a connection.</summary>
/// <param name="Port">The destination's port; 0 for any.</param>
/// <param name="Input">The link that it comes by.</param>
/// <param name="Type">What the routes of the node say of the destination.</param>
internal sealed record TracedPacket(IPAddress Source, IPAddress Destination, int Port, string Input, RouteType Type)
{
    /// <summary>The link that it leaves by; empty before routing.</summary>
    public string Output { get; init; } = "";

    public uint Mark { get; init; }

    public uint ConnectionMark { get; init; }
}

/// <summary>What becomes of a packet at a hook.</summary>
/// <param name="Packet">The packet behind it.</param>
/// <param name="Chains">The chains that it went through, in order.</param>
/// <param name="Match">The set that the last rule has found an address in, and the element; null: it asked no set.</param>
/// <param name="Counter">The named counter of the last rule; null: it has none.</param>
internal sealed record Passage(
    TracedPacket Packet, ImmutableArray<string> Chains, bool IsDropped, (string Set, MapElement Element)? Match, string? Counter);

/// <summary>
/// Leads a packet through the rules of a table, as the kernel does. It knows what rules of the agent consist of. Where a rule chooses by
/// hash, it takes each choice, because the hash includes ports that nobody knows before.
/// </summary>
internal sealed class PacketWalk
{
    private const uint New = 8;

    private const byte Tcp = 6, Syn = 2;

    private readonly Table _table;

    private readonly int _choice;

    private readonly List<string> _chains = [];

    private TracedPacket _packet;

    private int _choices = 1;

    private (string, MapElement)? _match;

    private string? _counter;

    private PacketWalk(Table table, TracedPacket packet, int choice) => (_table, _packet, _choice) = (table, packet, choice);

    /// <summary>All ways through the chains of a hook.</summary>
    /// <exception cref="UsageException">A rule has what the agent's rules do not have.</exception>
    public static ImmutableArray<Passage> Through(Table table, NetFilterHook hook, TracedPacket packet)
    {
        var passages = ImmutableArray.CreateBuilder<Passage>();
        for (int choice = 0, choices = 1; choice < choices; choice++)
        {
            var walk = new PacketWalk(table, packet, choice);
            passages.Add(walk.Pass(hook));
            choices = walk._choices;
        }

        return passages.ToImmutable();
    }

    private Passage Pass(NetFilterHook hook)
    {
        bool isDropped = _table.Chains.Where(chain => chain.Base?.Hook == hook).OrderBy(chain => chain.Base!.Priority)
            .Any(chain => Follow(chain.Name, chain.Base!.Policy) == Verdict.Drop);
        return new Passage(_packet, [.. _chains], isDropped, _match, _counter);
    }

    private Verdict Follow(string first, Verdict policy)
    {
        string? chain = first;
        // The kernel has no loops, but another program may have changed the table while it was read.
        for (int steps = 0; chain is not null && steps < _table.Chains.Length; steps++)
        {
            _chains.Add(chain);
            Decision? decision = _table.Rules.Where(rule => rule.Chain == chain).Select(Apply).FirstOrDefault(made => made is not null);
            if (decision?.Verdict is Verdict.Accept or Verdict.Drop)
            {
                return decision.Verdict;
            }

            chain = decision?.Verdict == Verdict.Goto ? decision.Chain : null;
        }

        return policy;
    }

    /// <returns>What the rule decides; null: the packet goes on to the next rule.</returns>
    private Decision? Apply(Rule rule)
    {
        var registers = new Dictionary<Register, Bytes>();
        (_match, _counter) = (null, null);
        foreach (Expression expression in rule.Expressions)
        {
            switch (expression)
            {
                case MetaExpression { Set: true } set: _packet = _packet with { Mark = NumberIn(set.Register) }; break;
                case MetaExpression load: registers[load.Register] = Load(load.Key); break;
                case ConntrackExpression { Set: true } set: _packet = _packet with { ConnectionMark = NumberIn(set.Register) }; break;
                case ConntrackExpression load: registers[load.Register] = Load(load.Key); break;
                case PayloadExpression load: registers[load.Register] = Load(load); break;
                case FibExpression { Query: FibQuery.DestinationType } fib: registers[fib.Register] = Number((uint)_packet.Type); break;
                case FibExpression fib: registers[fib.Register] = Number(1); break;
                case HashExpression hash:
                    _choices = (int)hash.Modulus;
                    registers[hash.Target] = Number(hash.Offset + (uint)_choice);
                    break;
                case BitwiseExpression bits:
                    registers[bits.Register] = new Bytes([.. registers[bits.Register].Span.ToArray()
                        .Select((value, index) => (byte)((value & bits.Mask.Span[index]) ^ bits.Xor.Span[index]))]);
                    break;
                case CmpExpression compare when registers[compare.Register] == compare.Value == compare.NotEqual: return null;
                case CmpExpression: break;
                case LookupExpression lookup:
                    MapElement? found = Find(lookup.Map, registers[lookup.Key]);
                    if (found is null != lookup.IsInverted)
                    {
                        return null;
                    }

                    if (lookup.Data == Register.Verdict)
                    {
                        return found!.Value.Decision;
                    }

                    if (lookup.Data is Register data)
                    {
                        registers[data] = found!.Value.Data;
                    }

                    _match = found is MapElement element ? (lookup.Map, element) : null;
                    break;
                case ImmediateExpression { Verdict: Verdict verdict } end: return new Decision(verdict, end.Chain);
                case ImmediateExpression value: registers[value.Register] = value.Value; break;
                case CounterReferenceExpression counter: _counter = counter.Counter; break;
                case NatExpression { Source: true } nat:
                    _packet = _packet with { Source = new IPAddress(registers[nat.Address].Span) };
                    return new Decision(Verdict.Accept);
                case CounterExpression or ExthdrExpression: break;
                default:
                    throw new UsageException(
                        $"nftables table inet {_table.Name}: chain {rule.Chain} has a rule that no agent makes: {rule}");
            }
        }

        return null;

        uint NumberIn(Register register) => BitConverter.ToUInt32(registers[register].Span);
    }

    private MapElement? Find(string map, Bytes key)
    {
        foreach (MapElement element in _table.Maps.First(one => one.Name == map).Elements)
        {
            if (element.KeyEnd.Length == 0 ? element.Key == key
                : element.Key.Span.SequenceCompareTo(key.Span) <= 0 && element.KeyEnd.Span.SequenceCompareTo(key.Span) >= 0)
            {
                return element;
            }
        }

        return null;
    }

    private Bytes Load(MetaKey key) => key switch
    {
        MetaKey.Mark => Number(_packet.Mark),
        MetaKey.InputInterfaceName => InterfaceNameBytes.Of(_packet.Input),
        MetaKey.OutputInterfaceName => InterfaceNameBytes.Of(_packet.Output),
        MetaKey.NetworkProtocol => new Bytes([(byte)(IsIPv6 ? TableFamily.IPv6 : TableFamily.IPv4)]),
        _ => new Bytes([Tcp]),
    };

    private Bytes Load(ConntrackKey key) => key switch
    {
        ConntrackKey.Mark => Number(_packet.ConnectionMark),
        ConntrackKey.State => Number(New),
        _ => new Bytes([0]),
    };

    private Bytes Load(PayloadExpression load) => (load.Base, load.Offset) switch
    {
        (PayloadBase.NetworkHeader, uint at) =>
            new Bytes((at == (IsIPv6 ? 8u : 12u) ? _packet.Source : _packet.Destination).GetAddressBytes()),
        (_, 13) => new Bytes([Syn]),
        _ => new Bytes([(byte)(_packet.Port >> 8), (byte)_packet.Port]),
    };

    private bool IsIPv6 => _packet.Destination.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;

    private static Bytes Number(uint value) => new(BitConverter.GetBytes(value));
}
