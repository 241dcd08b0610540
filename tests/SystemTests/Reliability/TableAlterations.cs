using System.Collections.Immutable;
using System.Reflection;
using Netlink.NetFilter;

namespace SystemTests.Reliability;

/// <summary>All the tables that differ from one in a single object, or a single field of one.</summary>
internal static class TableAlterations
{
    public static IEnumerable<(string Name, Table Table)> Of(Table table) =>
    [
        .. Chains(table),
        .. Rules(table),
        .. Maps(table),
    ];

    /// <summary>All that is in a table, each field of it; elements of maps come in no order.</summary>
    public static string Text(Table table) => string.Join('\n',
    [
        .. table.Chains.Select(chain => (chain with { Uses = 0 }).ToString()),
        .. table.Rules.OrderBy(rule => rule.Chain, StringComparer.Ordinal).Select(
            rule => $"{rule.Chain} {rule.Comment} {string.Join(' ', rule.Expressions.Select(item => item is CounterExpression ? item.Name : Alterations.Text(item)))}"),
        .. table.Maps.Select(
            map => $"{map.Name} {map.IsInterval} {string.Join(' ', map.Key)} {string.Join(' ', map.Data)} {map.IsDynamic} {(map.IsDynamic ? "" : string.Join(' ', map.Elements.Select(Alterations.Text).Order()))}"),
    ]);

    private static IEnumerable<(string, Table)> Chains(Table table)
    {
        yield return ("chain added", table with { Chains = table.Chains.Add(new Chain("foreign")) });
        foreach (Chain chain in table.Chains)
        {
            yield return ($"chain {chain.Name} removed", table with
            {
                Chains = table.Chains.Remove(chain),
                Rules = table.Rules.RemoveAll(rule => rule.Chain == chain.Name),
            });
            yield return ($"chain {chain.Name} emptied", table with { Rules = table.Rules.RemoveAll(rule => rule.Chain == chain.Name) });
            if (chain.Base is BaseChain hook)
            {
                foreach (var (name, other) in Fields(hook))
                {
                    yield return ($"chain {chain.Name}: {name}",
                        table with { Chains = table.Chains.Replace(chain, chain with { Base = other }) });
                }
            }
        }
    }

    private static IEnumerable<(string, Table)> Rules(Table table)
    {
        for (int i = 0; i < table.Rules.Length; i++)
        {
            Rule rule = table.Rules[i];
            string name = $"rule {i} ({rule.Chain}: {rule})";
            yield return ($"{name} removed", table with { Rules = table.Rules.RemoveAt(i) });
            yield return ($"{name} doubled", table with { Rules = table.Rules.Insert(i, rule) });
            yield return ($"{name} with a comment",
                table with { Rules = table.Rules.SetItem(i, rule with { Comment = rule.Comment + "x" }) });
            if (i > 0 && table.Rules[i - 1].Chain == rule.Chain && rule.Comment is null)
            {
                yield return ($"{name} before the one before",
                    table with { Rules = table.Rules.SetItem(i, table.Rules[i - 1]).SetItem(i - 1, rule) });
            }

            for (int e = 0; e < rule.Expressions.Length; e++)
            {
                ImmutableArray<Expression> without = rule.Expressions.RemoveAt(e);
                yield return ($"{name} without {rule.Expressions[e]}",
                    table with { Rules = table.Rules.SetItem(i, rule with { Expressions = without }) });
                foreach (var (field, other) in Fields(rule.Expressions[e]))
                {
                    yield return ($"{name}, {field}",
                        table with { Rules = table.Rules.SetItem(i, rule with { Expressions = rule.Expressions.SetItem(e, other) }) });
                }
            }
        }
    }

    private static IEnumerable<(string, Table)> Maps(Table table)
    {
        yield return ("map added", table with
        {
            Maps = table.Maps.Add(new Map("foreign", [SetDataType.Port], [SetDataType.IPv4Address], IsInterval: false, [])),
        });
        foreach (Map map in table.Maps)
        {
            Table With(Map other) => table with { Maps = table.Maps.Replace(map, other) };
            yield return ($"map {map.Name} removed with the rules that use it", table with
            {
                Maps = table.Maps.Remove(map),
                Rules = table.Rules.RemoveAll(rule => rule.Expressions.OfType<LookupExpression>().Any(lookup => lookup.Map == map.Name)),
            });
            yield return ($"map {map.Name} without elements", With(map with { Elements = [] }));
            yield return ($"map {map.Name} with other types", With(map with { Key = [.. map.Key, SetDataType.Port], Elements = [] }));
            foreach (MapElement element in map.Elements)
            {
                yield return ($"map {map.Name}: element {element} removed", With(map with { Elements = map.Elements.Remove(element) }));
                foreach (var (field, other) in Fields(element))
                {
                    yield return ($"map {map.Name}: {field}", With(map with { Elements = map.Elements.Replace(element, other) }));
                    yield return ($"map {map.Name}: one more, {field}", With(map with { Elements = map.Elements.Add(other) }));
                }
            }
        }
    }

    private static IEnumerable<(string Name, T Other)> Fields<T>(T item)
        where T : notnull
    {
        foreach (FieldInfo field in Alterations.FieldsOf(item.GetType()))
        {
            foreach (T other in Alterations.Of(item, field))
            {
                yield return ($"{item}: {Alterations.NameOf(field)} as in {other}", other);
            }
        }
    }
}
