using System.Collections.Immutable;

namespace EgressIp;

/// <summary>Gives addresses to nodes.</summary>
internal sealed class Assigner
{
    private readonly WantedAddress[] _wanted;
    private readonly bool _isMoreThanFlow;

    /// <param name="objects">In order of age; what may have no node is refused.</param>
    public Assigner(ImmutableArray<WantingObject> objects, Topology topology)
    {
        Placement = new Placement(topology.Nodes);
        _wanted = [.. objects.SelectMany(owner => owner.Addresses).Where(address => address.Refusal is null)];
        for (int index = 0; index < _wanted.Length; index++)
        {
            _wanted[index].Index = index;
        }

        _isMoreThanFlow = topology.Nodes.Any(node => node.Capacity is { IPv4: not null } or { IPv6: not null })
            && objects.Any(owner => owner.Addresses.Select(address => address.IsIPv6).Distinct().Count() == 2);
    }

    public Placement Placement { get; }

    public void Assign(bool rebalance)
    {
        // What is assigned and valid stays, also if the capacity has become less.
        foreach (WantedAddress address in _wanted.Where(address => address.Home != WantedAddress.None))
        {
            Placement.Put(address, address.Home);
        }

        PlaceNew();
        if (rebalance)
        {
            var exchange = new Exchange(Placement, _wanted, rebalance: true);
            while (exchange.TryImprove())
            {
            }
        }

        // A chain that does not fit, and the exact search, may leave room behind.
        foreach (WantedAddress address in _wanted.Where(address => address.Node == WantedAddress.None))
        {
            Placement.TryPut(address);
        }
    }

    /// <summary>In order of age and spec, so that nothing that is placed later can take the place of an older object's address.</summary>
    private void PlaceNew()
    {
        var exchange = new Exchange(Placement, _wanted, rebalance: false);
        bool isComplete = true;
        foreach (WantedAddress address in _wanted.Where(address => address.Node == WantedAddress.None))
        {
            isComplete &= Placement.TryPut(address) || exchange.TryPlace(address);
        }

        if (_isMoreThanFlow && !isComplete)
        {
            new ExactSearch(Placement, _wanted).Improve();
        }
    }
}
