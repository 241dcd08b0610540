using System.Collections.Immutable;
using System.Net;
using Cni;
using EgressIp;
using EgressOperator.Controller;

namespace EgressOperator.Agent;

/// <summary>What the agents of the cluster say now.</summary>
/// <param name="Holdings">Which node holds which addresses; also of nodes that no longer answer, as they said last.</param>
/// <param name="Dead">Egress nodes that most agents do not hear, and that have let go of their addresses.</param>
/// <param name="Missing">Egress nodes that this node does not hear.</param>
internal sealed record PeerView(
    IReadOnlyDictionary<string, ImmutableArray<HeldBy>> Holdings, IReadOnlySet<string> Dead, IReadOnlySet<string> Missing);

/// <summary>An address that a node holds.</summary>
/// <param name="From">The dead node from which it was taken; null if the status of the EgressIP says so.</param>
internal sealed record HeldBy(IPAddress Address, string? From);

/// <summary>The cluster as an agent sees it: which node is to hold each address, which one does, and which pods use it.</summary>
/// <param name="Objects">By age.</param>
internal sealed record ClusterView(IReadOnlyDictionary<string, WatchedNode> Nodes, ImmutableArray<ViewedObject> Objects)
{
    /// <param name="cluster">With the nodes that answer as reachable.</param>
    public static ClusterView Of(
        Cluster cluster,
        IReadOnlyDictionary<string, WatchedEgressIP> watched,
        IReadOnlyDictionary<string, WatchedNode> nodes,
        PeerView peers)
    {
        // What a dead node held is where the controller puts it too: both decide from the same facts.
        var decided = Assignment.Of(cluster with
        {
            Nodes = [.. cluster.Nodes.Select(node => node with
            {
                Taken = [.. peers.Holdings.GetValueOrDefault(node.Name, [])
                    .Where(held => held.From is not null && !peers.Dead.Contains(node.Name))
                    .Select(held => new Takeover(held.Address, held.From!))],
            })],
            Reachable = cluster.Reachable.Except(peers.Dead),
        });
        var byName = decided.Objects.ToDictionary(made => made.Name);
        var holders = peers.Holdings.SelectMany(node => node.Value.Select(held => (held.Address, Node: node.Key, held.From)))
            .ToLookup(held => held.Address);
        return new ClusterView(nodes,
            [.. cluster.EgressIPs.OrderBy(source => source.Created).ThenBy(source => source.Name, StringComparer.Ordinal)
            .Select(source => View(source, byName[source.Name]))]);

        ViewedObject View(EgressIP source, ObjectAssignment made) => new(
            watched[source.Name],
            [.. source.EgressIPs.Select(text => StrictAddress.Parse(text)).OfType<IPAddress>().Distinct()
                .Select(address => AddressOf(address, source, made))],
            made.Members);

        ViewedAddress AddressOf(IPAddress address, EgressIP source, ObjectAssignment made)
        {
            string text = address.ToString();
            string? item = source.Items.FirstOrDefault(one => one.EgressIP == text)?.Node;
            string? owner = item is not null && (peers.Dead.Contains(item) || holders[address].Any(held => held.From == item))
                ? made.Items.FirstOrDefault(assigned => assigned.EgressIP == text)?.Node
                : item;
            // Of several, one that is heard, and that has taken the address from another, is the newest.
            string? holder = item is null ? null : holders[address].OrderBy(held => peers.Missing.Contains(held.Node))
                .ThenBy(held => held.From is null).ThenBy(held => held.Node != owner).ThenBy(held => held.Node, StringComparer.Ordinal)
                .Select(held => held.Node).FirstOrDefault();
            return new ViewedAddress(address, owner, holder);
        }
    }
}

/// <summary>An EgressIP as an agent sees it.</summary>
internal sealed record ViewedObject(WatchedEgressIP Watched, ImmutableArray<ViewedAddress> Addresses, ImmutableArray<Member> Members)
{
    public EgressIP Source => Watched.Source;

    /// <summary>Whether the spec has an address of a family, with a node or without.</summary>
    public bool Wants(bool ipv6) => Source.EgressIPs.Any(text => text.Contains(':') == ipv6);
}

/// <summary>An address of the spec.</summary>
/// <param name="Owner">The node that is to hold it; null while no node can.</param>
/// <param name="Holder">The node that has it on a link, or had it when it was heard last; null: none has.</param>
internal sealed record ViewedAddress(IPAddress Address, string? Owner, string? Holder);
