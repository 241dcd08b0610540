using System.Collections.Immutable;
using System.Net;
using Netlink.Routing;

namespace EgressDataPath.Desired;

/// <summary>What the node has to do: for its own pods, and as an egress node.</summary>
/// <param name="Peers">Addresses of the other nodes, from which tunnel packets and heartbeats come.</param>
/// <param name="Inside">Networks whose traffic keeps its own way: those of pods, Services and nodes, and exceptions.</param>
/// <param name="Objects">The EgressIPs that serve pods of this node.</param>
/// <param name="Held">The egress addresses that this node holds.</param>
public sealed record Duties(
    ImmutableArray<IPAddress> Peers,
    ImmutableArray<IPNetwork> Inside,
    ImmutableArray<ServedObject> Objects,
    ImmutableArray<HeldAddress> Held)
{
    /// <summary>Of a node that has nothing to do.</summary>
    public static Duties None { get; } = new([], [], [], []);

    /// <summary>
    /// Addresses that are still on a link, but no longer held: packets to them must not reach the node itself, which would reset the
    /// connections that are on their way to another node.
    /// </summary>
    public ImmutableArray<IPAddress> Leaving { get; init; } = [];

    /// <summary>Links to other machines, by which no packet of a pod of this node comes.</summary>
    public ImmutableArray<string> OutsideLinks { get; init; } = [];

    /// <summary>The routes of links that have another way out than the node's default route.</summary>
    public ImmutableArray<LinkRoutes> Links { get; init; } = [];
}

/// <summary>An EgressIP on the node of its pods.</summary>
/// <param name="Pods">Addresses of its pods on this node, of the families that it wants.</param>
/// <param name="Addresses">Its egress addresses that have a node, in the order of the spec.</param>
/// <param name="Excluded">Networks that its pods reach without an egress address.</param>
/// <param name="FailsOpen">Whether its pods use the node's address while no egress address of their family has a node.</param>
public sealed record ServedObject(
    string Name,
    ImmutableArray<IPAddress> Pods,
    ImmutableArray<EgressAddress> Addresses,
    ImmutableArray<IPNetwork> Excluded,
    bool FailsOpen);

/// <summary>An egress address on the node of the pods.</summary>
/// <param name="Way">Where its connections go.</param>
public sealed record EgressAddress(IPAddress Address, Way Way);

/// <summary>Where the connections of an egress address go.</summary>
public abstract record Way
{
    /// <summary>Nowhere: packets are held back and counted.</summary>
    public sealed record Hold : Way;

    /// <summary>Into the tunnel.</summary>
    /// <param name="Node">The address of the egress node.</param>
    public sealed record Tunnel(IPAddress Node) : Way;

    /// <summary>Out of this node.</summary>
    /// <param name="Link">The link with a way out of its own; null: by the node's routes.</param>
    public sealed record Here(string? Link) : Way;
}

/// <summary>An egress address on the node that holds it.</summary>
/// <param name="Link">The link that has the address.</param>
/// <param name="HasOwnWay">Whether its packets leave by the routes of that link, instead of those of the node.</param>
/// <param name="Members">The pods that use it.</param>
public sealed record HeldAddress(IPAddress Address, string Link, bool HasOwnWay, ImmutableArray<Member> Members);

/// <summary>A pod that uses an egress address.</summary>
/// <param name="Node">The address of the pod's node; null: this node.</param>
public sealed record Member(IPAddress Pod, IPAddress? Node);

/// <summary>The routes of a link, in the main table.</summary>
public sealed record LinkRoutes(string Link, ImmutableArray<Route> Routes);
