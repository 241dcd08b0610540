using System.Collections.Immutable;
using Netlink.NetFilter;

namespace EgressRouter.State;

/// <summary>What an attachment changed and DEL puts back; it is kept as comments in the attachment's nf_tables table.</summary>
/// <param name="Defaults">The default routes that the pod had, in the main table.</param>
/// <param name="Sysctls">Kernel parameters, by path, with the values that they had.</param>
public sealed record RestoreMemory(ImmutableArray<RouteState> Defaults, ImmutableSortedDictionary<string, string> Sysctls)
{
    /// <summary>Nothing to put back.</summary>
    public static RestoreMemory None { get; } = new([], ImmutableSortedDictionary<string, string>.Empty);

    /// <summary>What the rules of a table of ours remember. Lines that are not ours are passed over.</summary>
    public static RestoreMemory Read(IEnumerable<Rule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ImmutableArray<RouteState>.Builder defaults = ImmutableArray.CreateBuilder<RouteState>();
        ImmutableSortedDictionary<string, string>.Builder sysctls = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (string line in rules.Where(rule => rule.Chain == Ruleset.RestoreChain).Select(rule => rule.Comment).OfType<string>())
        {
            string[] parts = line.Split('=');
            // Only network parameters can come back: a comment must not become a way to write elsewhere.
            if (parts is [string path, string value] && path.StartsWith("net/ipv", StringComparison.Ordinal) && !path.Contains("..", StringComparison.Ordinal))
            {
                sysctls[path] = value;
            }
            else if (RouteState.FromMemory(line) is RouteState { IsDefault: true } route)
            {
                defaults.Add(route);
            }
        }

        return new RestoreMemory(defaults.ToImmutable(), sysctls.ToImmutable());
    }
}
