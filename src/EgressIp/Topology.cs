using System.Collections.Immutable;
using System.Net;
using Cni;

namespace EgressIp;

/// <summary>The nodes by name, what they are good for, and which networks they have.</summary>
internal sealed class Topology
{
    private readonly Dictionary<string, int> _indexes = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, string> _inUse = [];
    private readonly IPNetwork[] _networks;
    private readonly Dictionary<string, Coverage> _coverages = [];

    /// <exception cref="ArgumentException">Two nodes have one name.</exception>
    public Topology(Cluster cluster)
    {
        Nodes = [.. cluster.Nodes.OrderBy(node => node.Name, StringComparer.Ordinal)];
        for (int index = 0; index < Nodes.Length; index++)
        {
            _indexes.Add(Nodes[index].Name, index);
        }

        Refusals = [.. Nodes.Select(node => WhyNot(node, cluster.Reachable))];
        foreach (Node node in Nodes)
        {
            foreach (IPAddress own in node.Networks.SelectMany(network => network.Addresses).Except(node.Held))
            {
                _inUse.TryAdd(own, $"an address of node {node.Name}");
            }
        }

        foreach (Node node in Nodes)
        {
            foreach (IPAddress gateway in node.Networks.SelectMany(network => network.Gateways))
            {
                _inUse.TryAdd(gateway, $"a gateway of node {node.Name}");
            }
        }

        // What a node has said counts while it works: else nobody would tell the end of a conflict.
        foreach (Node node in Nodes.Where(node => node.Ready && cluster.Reachable.Contains(node.Name)))
        {
            foreach (AddressConflict conflict in node.Conflicts)
            {
                _inUse.TryAdd(conflict.Address, $"an address of {SafeText.Short(conflict.Mac)} in a network of node {node.Name}");
            }
        }

        _networks = [.. Nodes.SelectMany(node => node.Networks).Select(network => network.Cidr).Distinct()
            .OrderByDescending(network => network.PrefixLength)];
    }

    /// <summary>All nodes, by name.</summary>
    public ImmutableArray<Node> Nodes { get; }

    /// <summary>For each node, why it may hold no egress address at all; null: it may.</summary>
    public ImmutableArray<NodeReason?> Refusals { get; }

    /// <summary>The index of the node with that name; null: there is none.</summary>
    public int? IndexOf(string name) => _indexes.TryGetValue(name, out int index) ? index : null;

    /// <summary>Who has the address, in words; null: no node, no gateway and no other machine.</summary>
    public string? WhoseIs(IPAddress address) => _inUse.GetValueOrDefault(address);

    /// <summary>The nodes that have taken the address over from one of these nodes.</summary>
    public IEnumerable<string> TakersOf(IPAddress address, ImmutableArray<string> from) => Nodes
        .Where(node => node.Taken.Any(taken => taken.Address.Equals(address) && from.Contains(taken.From))).Select(node => node.Name);

    /// <summary>The networks that an address is in. Addresses that are in the same networks share the answer.</summary>
    public Coverage CoverageOf(IPAddress address)
    {
        int[] holding = [.. Enumerable.Range(0, _networks.Length).Where(index => _networks[index].Contains(address))];
        string key = string.Join(',', holding);
        if (!_coverages.TryGetValue(key, out Coverage? coverage))
        {
            coverage = Cover([.. holding.Select(index => _networks[index])]);
            _coverages.Add(key, coverage);
        }

        return coverage;
    }

    private Coverage Cover(IPNetwork[] longestFirst)
    {
        NodeNetwork?[] networks = [.. Nodes.Select(node => longestFirst
            .Select(cidr => node.Networks.Where(network => network.Cidr == cidr).MinBy(network => network.Link, StringComparer.Ordinal))
            .FirstOrDefault(network => network is not null))];
        return new Coverage(
            networks,
            [.. Enumerable.Range(0, Nodes.Length).Where(index => Refusals[index] is null && networks[index] is not null)],
            [.. networks.OfType<NodeNetwork>().Select(network => network.Cidr).Distinct()]);
    }

    private static NodeReason? WhyNot(Node node, ImmutableHashSet<string> reachable) =>
        !node.IsAssignable ? NodeReason.NotLabelled
        : !node.Ready ? NodeReason.NotReady
        : !reachable.Contains(node.Name) ? NodeReason.NotReachable
        : null;
}

/// <summary>Where an address fits.</summary>
/// <param name="Networks">For each node its longest prefix that the address is in; null: it has none.</param>
/// <param name="Candidates">The nodes that have one, and may hold egress addresses.</param>
/// <param name="Cidrs">What <paramref name="Networks"/> consists of.</param>
internal sealed record Coverage(NodeNetwork?[] Networks, int[] Candidates, IPNetwork[] Cidrs);
