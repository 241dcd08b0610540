namespace EgressIp;

/// <summary>
/// Chains of addresses of which each takes the place of the next, and the last goes where there is room: the augmenting paths of a flow
/// from addresses to nodes. Each search finds the cheapest chain, so the result is the best there is (successive shortest paths).
/// </summary>
/// <remarks>
/// The steps of a chain: an address in hand; the room of a node for its family; the room of the node.
/// A node whose capacity by family counts, and objects of both families, are more than a flow: then a chain may not fit, and is not used.
/// </remarks>
internal sealed class Exchange
{
    private const long Unreached = long.MaxValue;

    private readonly Placement _placement;
    private readonly WantedAddress[] _addresses;
    private readonly bool _rebalance;
    private readonly long _balance;
    private readonly long _gain;
    private readonly long[] _cost;
    private readonly int[] _before;
    private readonly bool[] _isQueued;
    private readonly bool[] _isDead;
    private readonly Queue<int> _queue = new();

    /// <param name="rebalance">Whether addresses may leave the node that they are assigned to.</param>
    public Exchange(Placement placement, WantedAddress[] addresses, bool rebalance)
    {
        (_placement, _addresses, _rebalance) = (placement, addresses, rebalance);
        int steps = addresses.Length + (3 * placement.NodeCount);
        (_cost, _before, _isQueued, _isDead) = (new long[steps], new int[steps], new bool[steps], new bool[steps]);

        // A placed address counts more than balance, and balance more than any number of moves.
        _balance = addresses.Length + 1;
        _gain = _balance * 4 * (addresses.Length + 1);
    }

    /// <summary>Places an address by exchanging others; false: there is no chain.</summary>
    public bool TryPlace(WantedAddress address)
    {
        Clear();
        Reach(address.Index, -_gain, WantedAddress.None);
        if (Follow() && Apply())
        {
            return true;
        }

        // What a failed search has reached leads nowhere in later ones either: all of it is full, and stays so.
        for (int step = 0; step < _cost.Length; step++)
        {
            _isDead[step] |= _cost[step] != Unreached;
        }

        return false;
    }

    /// <summary>Makes the best improvement: places an address, evens out two nodes, or saves a move; false: there is none.</summary>
    public bool TryImprove()
    {
        Clear();
        foreach (WantedAddress address in _addresses)
        {
            // Of a node with n addresses the last one counts n² - (n-1)²: the least sum of squares is the best balance.
            Reach(
                address.Index,
                address.Node == WantedAddress.None ? -_gain : -_balance * ((2L * _placement.Count(address.Node)) - 1),
                WantedAddress.None);
        }

        return Follow() && Apply();
    }

    private int FamilyStep(int node, bool ipv6) => _addresses.Length + (2 * node) + (ipv6 ? 1 : 0);

    private int NodeStep(int node) => _addresses.Length + (2 * _placement.NodeCount) + node;

    private void Clear()
    {
        Array.Fill(_cost, Unreached);
        _queue.Clear();
        Array.Clear(_isQueued);
    }

    private void Reach(int step, long cost, int before)
    {
        if (cost < _cost[step] && !_isDead[step])
        {
            _cost[step] = cost;
            _before[step] = before;
            if (!_isQueued[step])
            {
                _isQueued[step] = true;
                _queue.Enqueue(step);
            }
        }
    }

    /// <summary>Finds the cheapest way to every step; false: the search goes round in circles.</summary>
    private bool Follow()
    {
        long left = 16L * _cost.Length * Math.Max(_placement.NodeCount, 16);
        while (_queue.TryDequeue(out int step))
        {
            if (left-- == 0)
            {
                return false;
            }

            _isQueued[step] = false;
            int node = (step - _addresses.Length) / 2;
            if (step < _addresses.Length)
            {
                FromAddress(_addresses[step]);
            }
            else if (step < NodeStep(0))
            {
                FromFamily(step, node, step == FamilyStep(node, true));
            }
            else
            {
                Displace(step, _placement.On(step - NodeStep(0)));
            }
        }

        return true;
    }

    private void FromAddress(WantedAddress address)
    {
        foreach (int node in address.Coverage.Candidates)
        {
            int room = Math.Min(_placement.Room(node), _placement.Room(node, address.IsIPv6));
            if (node == address.Node || room < 0)
            {
                continue;
            }

            long cost = _cost[address.Index] + Moves(address, node) - Moves(address, address.Node);
            WantedAddress? other = Placement.OfObject(address.Owner, node);
            if (other is null)
            {
                Reach(FamilyStep(node, address.IsIPv6), cost, address.Index);
            }
            else if (CanMove(other) && (other.IsIPv6 == address.IsIPv6 || _placement.Room(node, address.IsIPv6) > 0))
            {
                Reach(other.Index, cost, address.Index);
            }
        }
    }

    private void FromFamily(int step, int node, bool ipv6)
    {
        if (_placement.Room(node, ipv6) > 0)
        {
            Reach(NodeStep(node), _cost[step], step);
        }
        else
        {
            Displace(step, _placement.On(node).Where(address => address.IsIPv6 == ipv6));
        }
    }

    private void Displace(int step, IEnumerable<WantedAddress> addresses)
    {
        foreach (WantedAddress address in addresses)
        {
            if (CanMove(address))
            {
                Reach(address.Index, _cost[step], step);
            }
        }
    }

    private bool CanMove(WantedAddress address) => _rebalance || address.Home == WantedAddress.None;

    private static int Moves(WantedAddress address, int node) =>
        address.Home != WantedAddress.None && node != address.Home ? 1 : 0;

    /// <summary>Moves the addresses of the cheapest chain; false: no chain makes anything better, or it does not fit.</summary>
    private bool Apply()
    {
        int end = WantedAddress.None;
        long best = 0;
        for (int node = 0; node < _placement.NodeCount; node++)
        {
            long way = _cost[NodeStep(node)];
            if (way != Unreached && _placement.Room(node) > 0
                && way + (_balance * ((2L * _placement.Count(node)) + 1)) is long cost && cost < best)
            {
                (end, best) = (node, cost);
            }
        }

        return end != WantedAddress.None && TryMove(ChainTo(end));
    }

    private List<(WantedAddress Address, int From, int To)> ChainTo(int node)
    {
        var chain = new List<(WantedAddress, int, int)>();
        for (int step = NodeStep(node); step != WantedAddress.None; step = _before[step])
        {
            if (step < _addresses.Length)
            {
                WantedAddress address = _addresses[step];
                chain.Add((address, address.Node, node));
                node = address.Node;
            }
        }

        return chain;
    }

    private bool TryMove(List<(WantedAddress Address, int From, int To)> chain)
    {
        foreach ((WantedAddress address, int from, _) in chain)
        {
            Replace(address, WantedAddress.None);
        }

        foreach ((WantedAddress address, _, int to) in chain)
        {
            if (_placement.WhyNot(address, to) is not null)
            {
                chain.ForEach(move => Replace(move.Address, WantedAddress.None));
                chain.ForEach(move => Replace(move.Address, move.From));
                return false;
            }

            _placement.Put(address, to);
        }

        return true;
    }

    private void Replace(WantedAddress address, int node)
    {
        if (address.Node != WantedAddress.None)
        {
            _placement.Take(address);
        }

        if (node != WantedAddress.None)
        {
            _placement.Put(address, node);
        }
    }
}
