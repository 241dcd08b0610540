using System.Collections.Immutable;
using System.Net;
using EgressIp;
using EgressOperator.Controller;
using EgressOperator.Objects;
using EgressOperator.Routers;

namespace EgressOperator.Overview;

/// <summary>What the cluster has.</summary>
/// <param name="EgressIPs">By name.</param>
/// <param name="Nodes">By name.</param>
internal sealed record ClusterStatus(ImmutableArray<EgressIPState> EgressIPs, ImmutableArray<NodeState> Nodes)
{
    /// <summary>By namespace and name.</summary>
    public ImmutableArray<WatchedRouter> Routers { get; init; } = [];

    /// <summary>By namespace, pod and interface; null: they are not known.</summary>
    public IReadOnlyList<RouterAttachment>? Attachments { get; init; }

    /// <summary>What the controller has told, the newest first.</summary>
    public ImmutableArray<ToldEvent> Events { get; init; } = [];

    /// <param name="name">Of the EgressIP; null: all.</param>
    public static ClusterStatus Of(ClusterCache cache, string? name)
    {
        var watched = cache.EgressIPs.Objects.OfType<WatchedEgressIP>().ToDictionary(one => one.Source.Name);
        Cluster cluster = cache.Snapshot(watched.Values.Select(one => one.Source));
        var assignment = Assignment.Of(cluster, explain: name is not null);
        IReadOnlyDictionary<string, AgentReport> agents = cache.Agents;
        ILookup<string, string> held = watched.Values.SelectMany(one => one.Status.Items)
            .ToLookup(item => item.Node, item => item.EgressIP);
        return new ClusterStatus(
            [.. assignment.Objects.Where(made => name is null || made.Name == name)
                .Select(made => new EgressIPState(watched[made.Name], made))],
            [.. cluster.Nodes.OrderBy(node => node.Name, StringComparer.Ordinal).Select(node => new NodeState(
                node, cluster.Reachable.Contains(node.Name), [.. held[node.Name]], agents.GetValueOrDefault(node.Name)))]);
    }

    public static ImmutableArray<WatchedRouter> Sorted(IEnumerable<WatchedRouter?> routers) =>
        [.. routers.OfType<WatchedRouter>().OrderBy(router => router.Meta.Key, StringComparer.Ordinal)];
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
/// <param name="Agent">What its agent says; null if it has none.</param>
internal sealed record NodeState(Node Node, bool IsReachable, ImmutableArray<string> EgressIPs, AgentReport? Agent)
{
    /// <summary>Each network of each link once, however many addresses the node has there.</summary>
    public IEnumerable<(string Link, IPNetwork Cidr)> Networks =>
        Node.Networks.Select(network => (network.Link, network.Cidr)).Distinct();
}
