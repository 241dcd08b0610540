using Netlink.NetFilter;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>What a table update sends, which maps it keeps, and how it replaces a map without a gap.</summary>
public class TableUpdateTests
{
    private static readonly Map _map = MapOf(2) with { Size = 2 };

    /// <summary>The desired map, the current map, and whether the current one can stay.</summary>
    public static TheoryData<Map, Map, bool> Maps => new()
    {
        { MapOf(1), _map, true },
        { MapOf(2), _map, true },
        { MapOf(3), _map, false },
        { MapOf(2) with { Size = 512 }, _map, true },
        { MapOf(3), _map with { Size = 0 }, true },
        { MapOf(1), _map with { IsForeign = true }, false },
        { MapOf(1), _map with { IsDynamic = true }, false },
        { MapOf(1), _map with { Data = [SetDataType.IPv6Address] }, false },
        { MapOf(1), _map with { Elements = [.. _map.Elements, default] }, false },
        { MapOf(1), MapOf(1_001) with { Size = 0 }, true },
        { MapOf(1), MapOf(1_002) with { Size = 0 }, false },
        // Rules may add as many elements as the set was created for.
        { MapOf(0) with { IsDynamic = true, Size = 2 }, MapOf(0) with { IsDynamic = true, Size = 2 }, true },
        { MapOf(0) with { IsDynamic = true, Size = 3 }, MapOf(0) with { IsDynamic = true, Size = 2 }, false },
    };

    [Theory]
    [MemberData(nameof(Maps))]
    public void A_map_stays_where_the_wanted_elements_fit_in(Map wanted, Map observed, bool stays)
    {
        Assert.Equal(stays, wanted.CanBeMadeFrom(observed));
        Assert.Equal(stays ? 1 : 3, NetFilterRequests.StepsOfUpdate(TableOf(wanted), TableOf(observed)).Count());
    }

    [Fact]
    public void The_rules_go_by_another_map_while_one_is_made_anew()
    {
        Table before = TableOf(MapOf(2) with { Size = 2 }, MapOf(1) with { Name = "other" }),
        wanted = TableOf(MapOf(3), MapOf(0) with { Name = "other" });
        (Table Next, Table Before)[] steps = [.. NetFilterRequests.StepsOfUpdate(wanted, before)];
        Assert.Equal(
            ["other:0 m:2 m_:3 by m_,other", "m:3 other:0 m_:3 by m,other", "m:3 other:0 by m,other"],
            steps.Select(step => Text(step.Next)));
        Assert.Equal([before, steps[0].Next, steps[1].Next], steps.Select(step => step.Before));
    }

    /// <summary>A map of verdicts is full, and its old elements lead to a chain that is not wanted any more.</summary>
    [Fact]
    public void A_chain_stays_until_the_old_map_is_gone()
    {
        Table wanted = TableOf(MapOf(3)), before = TableOf(_map) with { Chains = [new Chain("c"), new Chain("old")] };
        (Table Next, Table Before)[] steps = [.. NetFilterRequests.StepsOfUpdate(wanted, before)];
        Assert.Equal(["c,old", "c,old", "c"], steps.Select(step => string.Join(',', step.Next.Chains.Select(chain => chain.Name))));
    }

    public static TheoryData<Table> Examples => [Tables.Example, VerdictTables.Example, RangeTables.Example];

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_unchanged_table_sends_nothing(Table table)
    {
        // The kernel lists elements in any order, and with counts.
        Table observed = table with
        {
            Maps = [.. table.Maps.Select(map => map with
            {
                Elements = [.. map.Elements.Reverse().Select(element => element with { Counted = new Counted(1, 60) })],
            })],
            Counters = [.. table.Counters.Select(counter => counter with { Counted = new Counted(1, 60) })],
        };
        Assert.True(Assert.Single(NetFilterRequests.StepsOfUpdate(table, observed)) is (Table next, Table before)
            && NetFilterRequests.UpdateTableBatch(next, before).IsEmpty);
    }

    /// <summary>Besides the changed chain and element: begin, end, and two messages for each of both.</summary>
    [Fact]
    public void A_change_is_as_long_in_a_large_table_as_in_a_small_one()
    {
        RequestBatch small = ChangeOf(10), large = ChangeOf(5_000);
        Assert.Equal(6, small.Count);
        Assert.Equal(small.Writer.Written.Length, large.Writer.Written.Length);

        static RequestBatch ChangeOf(int count)
        {
            Table before = TableOf(MapOf(count)) with
            {
                Chains = [new Chain("c"), .. Enumerable.Range(0, count).Select(i => new Chain($"object{i}"))],
                Counters = [.. Enumerable.Range(0, count).Select(i => new NamedCounter($"counter{i}"))],
            };
            before = before with
            {
                Rules = [.. before.Rules, .. before.Chains[1..]
                    .Select((chain, i) => new Rule(chain.Name, [new CounterReferenceExpression($"counter{i}")]))],
            };
            MapElement element = before.Maps[0].Elements[7];
            Table after = before with
            {
                Maps = [before.Maps[0] with
                {
                    Elements = before.Maps[0].Elements.SetItem(7, element with { Data = new Bytes([10, 0, 0, 2]) }),
                }],
                Rules = before.Rules.SetItem(4, new Rule(before.Rules[4].Chain, [new ImmediateExpression(Verdict.Drop)])),
            };
            return NetFilterRequests.UpdateTableBatch(after, before).End();
        }
    }

    private static Map MapOf(int elements) => new(
        "m", [SetDataType.Port], [SetDataType.IPv4Address], IsInterval: false,
        [.. Enumerable.Range(0, elements)
            .Select(port => new MapElement(new Bytes([(byte)(port >> 8), (byte)port, 0, 0]), default, new Bytes([10, 0, 0, 1])))]);

    private static Table TableOf(params Map[] maps) => new(
        TableFamily.Inet, "t", [new Chain("c")],
        [.. maps.Select(map => new Rule("c", [new LookupExpression(map.Name, Register.R1, Register.R2)]))], [.. maps]);

    private static string Text(Table table) =>
        string.Join(' ', table.Maps.Select(map => $"{map.Name}:{map.Elements.Length}"))
        + " by " + string.Join(',', table.Rules.Select(rule => ((LookupExpression)rule.Expressions[0]).Map));
}
