using System.Collections.Immutable;

namespace EgressIp;

/// <summary>Who holds what, while addresses are placed.</summary>
internal sealed class Placement
{
    private readonly List<WantedAddress>[] _on;
    private readonly int[] _ipv6;
    private readonly Capacity?[] _capacities;

    public Placement(ImmutableArray<Node> nodes)
    {
        _on = [.. nodes.Select(_ => new List<WantedAddress>())];
        _ipv6 = new int[nodes.Length];
        _capacities = [.. nodes.Select(node => node.Capacity)];
    }

    public int NodeCount => _on.Length;

    /// <summary>What the node holds.</summary>
    public IReadOnlyList<WantedAddress> On(int node) => _on[node];

    /// <summary>How many addresses the node holds.</summary>
    public int Count(int node) => _on[node].Count;

    /// <summary>How many more addresses the node can hold.</summary>
    public int Room(int node) => (_capacities[node]?.IP ?? int.MaxValue) - _on[node].Count;

    /// <summary>How many more addresses of the family the node can hold, as far as the family matters.</summary>
    public int Room(int node, bool ipv6) =>
        ipv6 ? (_capacities[node]?.IPv6 ?? int.MaxValue) - _ipv6[node]
        : (_capacities[node]?.IPv4 ?? int.MaxValue) - (_on[node].Count - _ipv6[node]);

    /// <summary>The address of the object that the node holds, or null.</summary>
    public static WantedAddress? OfObject(WantingObject owner, int node)
    {
        foreach (WantedAddress address in owner.Addresses)
        {
            if (address.Node == node)
            {
                return address;
            }
        }

        return null;
    }

    /// <summary>Why the node cannot hold the address in addition; null: it can.</summary>
    public NodeReason? WhyNot(WantedAddress address, int node) =>
        OfObject(address.Owner, node) is not null ? NodeReason.HoldsAddressOfObject
        : Room(node) <= 0 || Room(node, address.IsIPv6) <= 0 ? NodeReason.NoCapacity
        : null;

    public void Put(WantedAddress address, int node)
    {
        address.Node = node;
        _on[node].Add(address);
        _ipv6[node] += address.IsIPv6 ? 1 : 0;
    }

    public void Take(WantedAddress address)
    {
        _on[address.Node].Remove(address);
        _ipv6[address.Node] -= address.IsIPv6 ? 1 : 0;
        address.Node = WantedAddress.None;
    }

    /// <summary>Puts the address on the candidate that holds the fewest, of those the first by name; false: none can hold it.</summary>
    public bool TryPut(WantedAddress address)
    {
        int best = WantedAddress.None;
        foreach (int node in address.Coverage.Candidates)
        {
            if ((best == WantedAddress.None || Count(node) < Count(best)) && WhyNot(address, node) is null)
            {
                best = node;
            }
        }

        if (best != WantedAddress.None)
        {
            Put(address, best);
        }

        return best != WantedAddress.None;
    }
}
