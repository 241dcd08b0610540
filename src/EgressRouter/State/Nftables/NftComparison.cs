using Netlink.NetFilter;

namespace EgressRouter.State.Nftables;

/// <summary>Compares the table in the kernel with the desired one.</summary>
internal static class NftComparison
{
    /// <summary>Whether the table in the kernel can become the desired one without being deleted.</summary>
    public static bool CanUpdate(Table desired, Table observed) =>
        observed.Chains.ToHashSet().SetEquals(desired.Chains) && observed.Flags == desired.Flags;

    /// <summary>Every difference between the two tables, in words.</summary>
    public static IEnumerable<string> Between(Table desired, Table observed)
    {
        if (desired.Flags != observed.Flags)
        {
            const uint dormant = 1;
            yield return (observed.Flags & dormant) != 0 ? "it is dormant: none of its rules counts"
                : $"its flags are {observed.Flags}, not {desired.Flags}";
        }

        foreach (Chain chain in desired.Chains.Where(chain => !observed.Chains.Contains(chain)))
        {
            yield return $"chain {chain.Name} is {(observed.Chains.Any(other => other.Name == chain.Name) ? "changed" : "missing")}";
        }

        foreach (Chain chain in observed.Chains.Where(chain => desired.Chains.All(other => other.Name != chain.Name)))
        {
            yield return $"chain {chain.Name} is not ours";
        }

        // The order of rules in a chain matters.
        ILookup<string, Rule> wantedRules = desired.Rules.ToLookup(rule => rule.Chain);
        ILookup<string, Rule> foundRules = observed.Rules.ToLookup(rule => rule.Chain);
        foreach (string chain in desired.Rules.Concat(observed.Rules).Select(rule => rule.Chain).Distinct())
        {
            Rule[] wanted = [.. wantedRules[chain]];
            Rule[] found = [.. foundRules[chain]];
            if (wanted.SequenceEqual(found))
            {
                continue;
            }

            string[] missing = [.. wanted.Except(found).Select(NftText.Of)];
            string[] others = [.. found.Except(wanted).Select(NftText.Of)];
            string[] details =
            [
                .. missing.Except(others).Select(rule => $"rule of chain {chain} is missing: {rule}"),
                .. others.Except(missing).Select(rule => $"rule of chain {chain} is not ours: {rule}"),
                // Reloading nft's own output changes the order of expressions.
                .. missing.Intersect(others).Select(
                    rule => $"rule of chain {chain} has its parts in another order, as after nft -f: {rule}"),
            ];
            foreach (string detail in details.Length > 0 ? details : [$"rules of chain {chain} are doubled or in another order"])
            {
                yield return detail;
            }
        }

        foreach (Map map in desired.Maps)
        {
            Map? found = observed.Maps.FirstOrDefault(other => other.Name == map.Name);
            foreach (string detail in found is null || !map.HasDefinitionOf(found)
                ? [$"map {map.Name} is {(found is null ? "missing" : "changed")}"]
                : map.IsDynamic ? [] : ElementDetails(map, found))
            {
                yield return detail;
            }
        }

        foreach (Map map in observed.Maps.Where(map => desired.Maps.All(other => other.Name != map.Name)))
        {
            yield return $"map {map.Name} is not ours";
        }
    }

    private static IEnumerable<string> ElementDetails(Map desired, Map observed)
    {
        var wanted = desired.Elements.ToHashSet();
        var found = observed.Elements.ToHashSet();
        return
        [
            .. desired.Elements.Where(element => !found.Contains(element)).Select(
                element => $"map {desired.Name}: element {MapText.Of(element)} is missing"),
            .. observed.Elements.Where(element => !wanted.Contains(element)).Select(
                element => $"map {desired.Name}: element {MapText.Of(element)} is not ours"),
        ];
    }
}
