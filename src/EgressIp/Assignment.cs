using System.Collections.Immutable;

namespace EgressIp;

/// <summary>Which node holds which egress address, and why; which pods use it.</summary>
/// <param name="Objects">One for each EgressIP, by name.</param>
public sealed record Assignment(ImmutableArray<ObjectAssignment> Objects)
{
    /// <summary>Decides. The same cluster always gives the same assignment, in whatever order its lists are.</summary>
    /// <param name="rebalance">
    /// Whether assigned addresses may move, as few as needed for the least sum of squares of the numbers that nodes hold.
    /// </param>
    /// <param name="explain">Whether to tell of assigned addresses too why other nodes could not hold them.</param>
    /// <exception cref="ArgumentException">Two objects, nodes or namespaces have one name.</exception>
    public static Assignment Of(Cluster cluster, bool rebalance = false, bool explain = false)
    {
        ImmutableArray<EgressIP> byAge = cluster.EgressIPs.Sort(EgressIP.ByAge);
        string[] twice = [.. byAge.GroupBy(source => source.Name).Where(group => group.Count() > 1).Select(group => group.Key)];
        if (twice.Length > 0)
        {
            throw new ArgumentException($"two EgressIPs are named {twice[0]}", nameof(cluster));
        }

        var topology = new Topology(cluster);
        ImmutableArray<WantingObject> objects = [.. byAge.Select(source => new WantingObject(source))];
        Claims.Check(objects, topology);
        var assigner = new Assigner(objects, topology);
        assigner.Assign(rebalance);

        var members = new Membership(objects, cluster);
        var report = new Report(topology, assigner.Placement, explain);
        return new Assignment([.. objects.Select(source => report.Of(source, members)).OrderBy(made => made.Name, StringComparer.Ordinal)]);
    }
}
