using System.Net;

namespace EgressIp.Tests;

/// <summary>
/// Tries everything, by the rules as they are written down: it shares no code with what it is compared with. Addresses are those that
/// <see cref="RandomCluster"/> makes.
/// </summary>
internal sealed class SlowAssigner
{
    private readonly Cluster _cluster;
    private readonly Node[] _nodes;
    private readonly List<(EgressIP Source, string Address)> _all = [];
    private readonly int[] _placed;
    private readonly int[] _stays;
    private (int Count, long Squares, int Moves) _best = (-1, 0, 0);

    public SlowAssigner(Cluster cluster)
    {
        _cluster = cluster;
        _nodes = [.. cluster.Nodes.OrderBy(node => node.Name, StringComparer.Ordinal)];
        EgressIP[] byAge = [.. cluster.EgressIPs.OrderBy(source => source.Created).ThenBy(source => source.Name, StringComparer.Ordinal)];
        foreach (string address in byAge.SelectMany(source => source.EgressIPs).Distinct())
        {
            EgressIP[] rivals = [.. byAge.Where(source => source.EgressIPs.Contains(address))];
            _all.Add((rivals.FirstOrDefault(rival => Stay(rival, address) >= 0) ?? rivals[0], address));
        }

        _all = [.. _all.OrderBy(one => Array.IndexOf(byAge, one.Source)).ThenBy(one => one.Source.EgressIPs.IndexOf(one.Address))];
        _placed = new int[_all.Count];
        _stays = [.. _all.Select(one => Stay(one.Source, one.Address))];
    }

    /// <summary>What stays if nothing is asked for: object, address, node.</summary>
    public IEnumerable<(string Object, string Address, string Node)> Staying => _all
        .Select((one, index) => (one.Source.Name, one.Address, Node: _stays[index]))
        .Where(one => one.Node >= 0).Select(one => (one.Name, one.Address, _nodes[one.Node].Name));

    /// <summary>The most addresses that can have a node while what is valid stays.</summary>
    public int MostPlaced()
    {
        Try(0, 0, rebalance: false);
        return _best.Count;
    }

    /// <summary>The best there is if everything may move: most addresses, then least sum of squares, then fewest moves.</summary>
    public (int Count, long Squares, int Moves) Best()
    {
        Try(0, 0, rebalance: true);
        return _best;
    }

    public static bool CanHold(Cluster cluster, Node node, string address) =>
        node.Labels.ContainsKey("k8s.ovn.org/egress-assignable") && node.Ready && cluster.Reachable.Contains(node.Name)
        && node.Networks.Any(network => network.Cidr.Contains(IPAddress.Parse(address)));

    /// <summary>The first node that has the address, may hold it, and is not kept by an earlier address of the object; -1: none.</summary>
    private int Stay(EgressIP source, string address)
    {
        int[] earlier = [.. source.EgressIPs.Take(source.EgressIPs.IndexOf(address)).Select(other => Stay(source, other))];
        return Enumerable.Range(0, _nodes.Length)
            .Where(node => source.Items.Contains(new StatusItem(address, _nodes[node].Name)) && CanHold(_cluster, _nodes[node], address))
            .Where(node => !earlier.Contains(node)).FirstOrDefault(-1);
    }

    private void Try(int index, int count, bool rebalance)
    {
        int most = count + _all.Count - index;
        if (most < _best.Count || (!rebalance && most == _best.Count))
        {
            return;
        }

        if (index == _all.Count)
        {
            Rate(count);
            return;
        }

        if (!rebalance && _stays[index] >= 0)
        {
            _placed[index] = _stays[index];
            Try(index + 1, count + 1, rebalance);
            return;
        }

        for (int node = 0; node < _nodes.Length; node++)
        {
            if (Fits(index, node, rebalance))
            {
                _placed[index] = node;
                Try(index + 1, count + 1, rebalance);
            }
        }

        _placed[index] = -1;
        Try(index + 1, count, rebalance);
    }

    /// <summary>What stays counts from the start, also where it comes later.</summary>
    private bool Fits(int index, int node, bool rebalance)
    {
        (EgressIP Source, string Address)[] on = [.. Enumerable.Range(0, _all.Count)
            .Where(other => other != index)
            .Where(other => !rebalance && _stays[other] >= 0 ? _stays[other] == node : other < index && _placed[other] == node)
            .Select(other => _all[other])];
        bool isIPv6 = _all[index].Address.Contains(':');
        Capacity? capacity = _nodes[node].Capacity;
        return CanHold(_cluster, _nodes[node], _all[index].Address)
            && !on.Any(other => other.Source == _all[index].Source)
            && !(on.Length >= capacity?.IP)
            && !(on.Count(other => other.Address.Contains(':') == isIPv6) >= (isIPv6 ? capacity?.IPv6 : capacity?.IPv4));
    }

    private void Rate(int count)
    {
        long squares = _placed.Where(node => node >= 0).GroupBy(node => node).Sum(group => (long)group.Count() * group.Count());
        int moves = _stays.Zip(_placed).Count(pair => pair.First >= 0 && pair.Second >= 0 && pair.First != pair.Second);
        if ((-count, squares, moves).CompareTo((-_best.Count, _best.Squares, _best.Moves)) < 0)
        {
            _best = (count, squares, moves);
        }
    }
}
