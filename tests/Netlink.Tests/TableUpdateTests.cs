using Netlink.NetFilter;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>The maps that a table update keeps, and how it replaces a map without a gap.</summary>
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

    private static Map MapOf(int elements) => new(
        "m", [SetDataType.Port], [SetDataType.IPv4Address], IsInterval: false,
        [.. Enumerable.Range(0, elements)
            .Select(port => new MapElement(new Bytes([0, (byte)port, 0, 0]), default, new Bytes([10, 0, 0, 1])))]);

    private static Table TableOf(params Map[] maps) => new(
        TableFamily.Inet, "t", [new Chain("c")],
        [.. maps.Select(map => new Rule("c", [new LookupExpression(map.Name, Register.R1, Register.R2)]))], [.. maps]);

    private static string Text(Table table) =>
        string.Join(' ', table.Maps.Select(map => $"{map.Name}:{map.Elements.Length}"))
        + " by " + string.Join(',', table.Rules.Select(rule => ((LookupExpression)rule.Expressions[0]).Map));
}
