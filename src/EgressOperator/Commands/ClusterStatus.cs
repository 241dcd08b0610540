using System.Collections.Immutable;
using System.Net;
using EgressIp;
using EgressOperator.Controller;

namespace EgressOperator.Commands;

/// <summary>What the cluster has.</summary>
/// <param name="EgressIPs">By name.</param>
/// <param name="Nodes">By name.</param>
internal sealed record ClusterStatus(ImmutableArray<EgressIPState> EgressIPs, ImmutableArray<NodeState> Nodes)
{
    /// <param name="name">Of the EgressIP; null: all.</param>
    public static ClusterStatus Of(ClusterCache cache, string? name)
    {
        WatchedEgressIP[] watched = [.. cache.EgressIPs.Objects.OfType<WatchedEgressIP>()];
        Cluster cluster = cache.Snapshot(watched.Select(one => one.Source));
        var assignment = Assignment.Of(cluster, explain: name is not null);
        return new ClusterStatus(
            [.. assignment.Objects.Where(made => name is null || made.Name == name)
                .Select(made => new EgressIPState(watched.Single(one => one.Source.Name == made.Name), made))],
            [.. cluster.Nodes.OrderBy(node => node.Name, StringComparer.Ordinal).Select(node => new NodeState(
                node,
                cluster.Reachable.Contains(node.Name),
                [.. watched.SelectMany(one => one.Status.Items).Where(item => item.Node == node.Name).Select(item => item.EgressIP)]))]);
    }
}

/// <summary>An EgressIP: what its status says, and what follows from the cluster.</summary>
/// <param name="Made">What follows. If the controller has done its work, the status says the same.</param>
internal sealed record EgressIPState(WatchedEgressIP Watched, ObjectAssignment Made)
{
    public string Name => Made.Name;

    /// <summary>Addresses that can have no node.</summary>
    public ImmutableArray<UnassignedAddress> Unassigned => Made.Unassigned;

    /// <summary>Addresses that could have a node, but the controller has not given it to them yet.</summary>
    public ImmutableArray<AssignedAddress> Pending =>
        [.. Made.Items.Where(item => !Watched.Status.Items.Contains(new StatusItem(item.EgressIP, item.Node)))];
}

/// <summary>A node.</summary>
/// <param name="EgressIPs">What it holds, by the statuses of the EgressIPs.</param>
internal sealed record NodeState(Node Node, bool IsReachable, ImmutableArray<string> EgressIPs)
{
    /// <summary>Each network of each link once, however many addresses the node has there.</summary>
    public IEnumerable<(string Link, IPNetwork Cidr)> Networks =>
        Node.Networks.Select(network => (network.Link, network.Cidr)).Distinct();
}
