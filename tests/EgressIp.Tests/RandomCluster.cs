using System.Collections.Immutable;

namespace EgressIp.Tests;

/// <summary>Small clusters by chance: few nodes, networks and addresses, so that they get in each other's way.</summary>
internal sealed class RandomCluster(int seed)
{
    private static readonly string[] _networks = ["192.168.126.0/28", "10.10.10.0/28", "fd00:126::/124"];

    private readonly Random _random = new(seed);

    /// <summary>At most so many nodes, objects, and addresses of one object; nodes may have a capacity by family.</summary>
    public Cluster Make(int nodes, int objects, int addressesOfOne, bool byFamily)
    {
        ImmutableArray<Node> made = [.. Enumerable.Range(1, _random.Next(1, nodes + 1)).Select(index => MakeNode(index, byFamily))];
        return new Cluster(
            [.. Enumerable.Range(0, _random.Next(1, objects + 1)).Select(index => MakeObject(index, made, addressesOfOne))],
            made,
            [.. made.Where(_ => Chance(95)).Select(node => node.Name)],
            [],
            []);
    }

    /// <summary>The same lists in another order. That of the addresses of a spec stays: it has a meaning.</summary>
    public Cluster Shuffle(Cluster cluster) => cluster with
    {
        Nodes = Shuffle([.. cluster.Nodes.Select(node => node with { Networks = Shuffle(node.Networks) })]),
        EgressIPs = Shuffle([.. cluster.EgressIPs.Select(source => source with { Items = Shuffle(source.Items) })]),
        Namespaces = Shuffle(cluster.Namespaces),
        Pods = Shuffle(cluster.Pods),
    };

    /// <summary>One thing is different.</summary>
    public Cluster Change(Cluster cluster)
    {
        int node = _random.Next(cluster.Nodes.Length);
        int source = _random.Next(cluster.EgressIPs.Length);
        Node changed = cluster.Nodes[node];
        EgressIP wanting = cluster.EgressIPs[source];
        return _random.Next(7) switch
        {
            0 => cluster with { Nodes = cluster.Nodes.SetItem(node, changed with { Ready = !changed.Ready }) },
            1 => cluster with { Nodes = cluster.Nodes.SetItem(node, Relabelled(changed)) },
            2 => cluster with { Nodes = cluster.Nodes.SetItem(node, MakeNode(0, true) with { Name = changed.Name }) },
            3 when cluster.Nodes.Length > 1 => cluster with { Nodes = cluster.Nodes.RemoveAt(node) },
            4 => cluster with { EgressIPs = cluster.EgressIPs.SetItem(source, wanting with { EgressIPs = Addresses(3) }) },
            5 when cluster.EgressIPs.Length > 1 => cluster with { EgressIPs = cluster.EgressIPs.RemoveAt(source) },
            _ => cluster with { Reachable = [.. cluster.Nodes.Where(_ => Chance(90)).Select(reached => reached.Name)] },
        };
    }

    private static Node Relabelled(Node node) => node.Labels.Count > 0 ? node.Unlabelled() : node with { Labels = Given.N1.Labels };

    private Node MakeNode(int index, bool byFamily)
    {
        Node node = Given.Node($"n{index}", [.. _networks.Where(_ => Chance(70))]);
        node = node with { Ready = Chance(95), Capacity = MakeCapacity(byFamily) };

        // The node's own address in a network is of no use here: the network's first address, which nobody asks for.
        return Chance(95) ? node : node.Unlabelled();
    }

    private Capacity? MakeCapacity(bool byFamily) =>
        Chance(50) ? null
        : byFamily && Chance(60) ? new Capacity(Chance(30) ? _random.Next(4) : null, _random.Next(3), _random.Next(3))
        : new Capacity(_random.Next(4), null, null);

    private EgressIP MakeObject(int index, ImmutableArray<Node> nodes, int addresses)
    {
        EgressIP made = Given.Object($"{(char)('e' + index)}", "") with { EgressIPs = Addresses(addresses) };
        return made with
        {
            Created = made.Created.AddMinutes(_random.Next(2)),
            Items = [.. made.EgressIPs.Where(_ => Chance(25))
                .Select(address => new StatusItem(address, $"n{_random.Next(1, nodes.Length + 2)}"))],
        };
    }

    private ImmutableArray<string> Addresses(int most) =>
        [.. Enumerable.Range(0, _random.Next(1, most + 1)).Select(_ => _random.Next(3) switch
        {
            0 => $"192.168.126.{_random.Next(2, 15)}",
            1 => $"10.10.10.{_random.Next(2, 15)}",
            _ => $"fd00:126::{_random.Next(2, 15):x}",
        }).Distinct()];

    private bool Chance(int percent) => _random.Next(100) < percent;

    private ImmutableArray<T> Shuffle<T>(ImmutableArray<T> items) => [.. items.OrderBy(_ => _random.Next())];
}
