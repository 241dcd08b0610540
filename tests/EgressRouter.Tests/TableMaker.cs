using System.Collections.Immutable;
using System.Text;
using Netlink.NetFilter;
using Netlink.Wire;

namespace EgressRouter.Tests;

/// <summary>
/// Creates a table from any bytes: the plugin's chains, maps and rules, altered, with elements and expressions of any kind and length.
/// </summary>
internal sealed class TableMaker(byte[] input)
{
    private int _next;

    private bool IsAtEnd => _next >= input.Length;

    public Table Make(Table ours)
    {
        List<Rule> rules = [.. ours.Rules.Where(_ => !Is(20))];
        List<Map> maps = [.. ours.Maps.Where(_ => !Is(20)).Select(map => map with
        {
            Name = Is(10) ? map.Name + "6" : map.Name,
            Key = Is(10) ? map.Data : map.Key,
            IsInterval = Is(10) != map.IsInterval,
            IsDynamic = Is(10) != map.IsDynamic,
            IsForeign = Is(10),
            Size = Byte(),
            Elements = [.. map.Elements, .. Enumerable.Range(0, Byte() % 8).Select(_ => Element())],
        })];
        while (!IsAtEnd)
        {
            string chain = Is(5) ? "other" : ours.Chains[Byte() % ours.Chains.Length].Name;
            rules.Insert(
                Byte() % (rules.Count + 1),
                new Rule(
                    chain, [.. Enumerable.Range(0, Byte() % 6).Select(_ => Instruction())],
                    Is(3) ? Encoding.UTF8.GetString(Some(Byte() % 64).Span) : null));
        }

        return ours with
        {
            Chains = [.. ours.Chains.Where(_ => !Is(20)), .. Is(5) ? [new Chain("other")] : ImmutableArray<Chain>.Empty],
            Rules = [.. rules],
            Maps = [.. maps.DistinctBy(map => map.Name)],
            Flags = Is(10) ? 1u : 0,
        };
    }

    /// <summary>Returns the next byte, or zero after the last.</summary>
    private byte Byte() => IsAtEnd ? (byte)0 : input[_next++];

    /// <summary>True in one of <paramref name="oneOf"/> cases.</summary>
    private bool Is(int oneOf) => Byte() % oneOf == oneOf - 1;

    private Bytes Some(int length) => new([.. Enumerable.Range(0, length).Select(_ => Byte())]);

    private Register Any() => (Register)Byte();

    private MapElement Element() =>
        new(Key(), Is(2) ? Key() : default,
            Is(4) ? Some(Byte() % 20) : Some(Is(2) ? 4 : 8))
        { Counted = new Counted(Byte(), (ulong)Byte() << 56) };

    private Bytes Key() => Is(4) ? Some(Byte() % 12) : new Bytes([(byte)(Is(2) ? 6 : 17), 0, 0, 0, Byte(), Byte(), 0, 0]);

    private Expression Instruction() => (Byte() % 16) switch
    {
        0 => new MetaExpression((MetaKey)Byte(), Any(), Is(2)),
        1 => new ConntrackExpression((ConntrackKey)Byte(), Any(), Is(2)),
        2 => new CmpExpression(Any(), Some(Byte() % 20), Is(2)),
        3 => new BitwiseExpression(Any(), Some(Byte() % 8), Some(Byte() % 8)),
        4 => new PayloadExpression((PayloadBase)Byte(), Byte(), Byte(), Any()),
        5 => new LookupExpression("ports_ip", Any(), Is(2) ? Any() : null, Is(8)),
        6 => new DynsetExpression("traffic_ip", Any()),
        7 => new ImmediateExpression((Verdict)(Byte() - 5), Is(2) ? "other" : null),
        8 => new ImmediateExpression(Any(), Some(Byte() % 20)),
        9 => new NatExpression(Is(2), (TableFamily)Byte(), Any(), Is(2) ? Any() : null),
        10 => new FibExpression(Any(), (FibQuery)(Byte() % 3)),
        11 => new HashExpression(Any(), Byte(), Any(), Byte(), Byte(), Byte()),
        12 => new ExthdrExpression(Any(), Byte(), Byte()),
        13 => new CounterExpression { Counted = new Counted(Byte(), Byte()) },
        14 => new RtExpression(Any()),
        _ => new OtherExpression(Encoding.UTF8.GetString(Some(Byte() % 8).Span), Some(Byte() % 20)),
    };
}
