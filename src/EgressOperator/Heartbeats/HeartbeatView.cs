using System.Collections.Immutable;
using System.Net;

namespace EgressOperator.Heartbeats;

/// <summary>A node that says that it holds an address.</summary>
/// <param name="From">The node from which it was taken by failover.</param>
internal sealed record Holder(string Node, string? From);

/// <summary>What the heartbeats tell at one time. It never changes.</summary>
internal sealed class HeartbeatView(
    ImmutableSortedSet<string> missing, ImmutableSortedSet<string> dead, bool isIsolated, bool mayTake,
    ImmutableSortedDictionary<string, ImmutableArray<HeldAddress>> holdings)
{
    /// <summary>The view before the peers are known.</summary>
    public static HeartbeatView Empty { get; } = new(
        ImmutableSortedSet.Create<string>(StringComparer.Ordinal), ImmutableSortedSet.Create<string>(StringComparer.Ordinal), false, false,
        ImmutableSortedDictionary.Create<string, ImmutableArray<HeldAddress>>(StringComparer.Ordinal));

    private readonly Lazy<ILookup<IPAddress, Holder>> _holders = new(() => holdings
        .SelectMany(node => node.Value.Select(held => (held.Address, Holder: new Holder(node.Key, held.From))))
        .ToLookup(pair => pair.Address, pair => pair.Holder));

    /// <summary>The egress nodes that this node does not hear.</summary>
    public ImmutableSortedSet<string> Missing => missing;

    /// <summary>
    /// The egress nodes that a majority of the voters misses: each of them has had its time to drop its addresses. Empty on a node that
    /// may not take addresses.
    /// </summary>
    public ImmutableSortedSet<string> Dead => dead;

    /// <summary>No majority hears this egress node: it must drop its addresses. False for a while after the start.</summary>
    public bool IsIsolated => isIsolated;

    /// <summary>A majority hears this egress node: it may take addresses. False after the start until that is known.</summary>
    public bool MayTake => mayTake;

    /// <summary>The addresses that each of the other nodes holds, by its last word.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<HeldAddress>> Holdings => holdings;

    /// <returns>This view if nothing has changed.</returns>
    public HeartbeatView With(
        string[] missingNow, string[] deadNow, bool isIsolatedNow, bool mayTakeNow,
        ImmutableSortedDictionary<string, ImmutableArray<HeldAddress>> holdingsNow)
    {
        ImmutableSortedSet<string> newMissing = Update(Missing, missingNow);
        ImmutableSortedSet<string> newDead = Update(Dead, deadNow);
        return newMissing == Missing && newDead == Dead && isIsolatedNow == IsIsolated && mayTakeNow == MayTake && holdingsNow == Holdings
            ? this
            : new HeartbeatView(newMissing, newDead, isIsolatedNow, mayTakeNow, holdingsNow);
    }

    /// <summary>The addresses of another node; none if it has not told any.</summary>
    public ImmutableArray<HeldAddress> HoldingsOf(string node) =>
        Holdings.TryGetValue(node, out ImmutableArray<HeldAddress> held) ? held : [];

    /// <summary>
    /// The other node that holds the address. If several say so: one that is heard, from which no other has taken it, the first by name.
    /// </summary>
    public Holder? HolderOf(IPAddress address)
    {
        Holder[] all = [.. _holders.Value[address]];
        return all.OrderBy(one => Missing.Contains(one.Node)).ThenBy(one => all.Any(other => other.From == one.Node))
            .ThenBy(one => one.Node, StringComparer.Ordinal).FirstOrDefault();
    }

    private static ImmutableSortedSet<string> Update(ImmutableSortedSet<string> before, string[] now) =>
        now.SequenceEqual(before) ? before : ImmutableSortedSet.CreateRange(StringComparer.Ordinal, now);
}
