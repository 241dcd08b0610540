namespace EgressOperator.Heartbeats;

/// <summary>What this node knows of another. All times are those of <see cref="PeerTable"/>.</summary>
internal sealed class Peer(PeerNode node)
{
    private static readonly Dictionary<string, TimeSpan> _nothing = [];

    public PeerNode Node { get; set; } = node;

    /// <summary>Since when it is a peer with its present role.</summary>
    public TimeSpan NewSince { get; private set; }

    /// <summary>When its last beat arrived.</summary>
    public TimeSpan LastHeard { get; private set; }

    /// <summary>Since when it is silent: as <see cref="LastHeard"/>, but times in which this process was paused do not count.</summary>
    public TimeSpan SilentSince { get; private set; }

    public long Incarnation { get; private set; }

    public long Sequence { get; private set; }

    /// <summary>Until then this node does not acknowledge the peer's beats.</summary>
    public TimeSpan HoldUntil { get; set; }

    /// <summary>Until then the peer supports this node.</summary>
    public TimeSpan LeaseUntil { get; set; }

    /// <summary>The nodes that the peer misses, by its last beat, and since when it has said so without a break.</summary>
    public Dictionary<string, TimeSpan> Missing { get; private set; } = _nothing;

    public PeerHoldings Holdings { get; } = new();

    /// <summary>Whether this node's holdings must be sent to the peer.</summary>
    public bool NeedsHoldings { get; set; }

    public TimeSpan HoldingsSent { get; set; } = TimeSpan.MinValue / 2;

    /// <summary>The peer is new, or has a new role.</summary>
    public void Welcome(TimeSpan now, HeartbeatTiming timing)
    {
        NewSince = now;
        SilentSince = now;

        // An earlier process of this node may have said that it misses the peer.
        HoldUntil = now + timing.Hold;
    }

    /// <returns>Whether the message is of the peer's newest process.</returns>
    public bool Accepts(long incarnation)
    {
        if (incarnation > Incarnation)
        {
            Incarnation = incarnation;
            Sequence = 0;
            Holdings.ExpectNewProcess();
        }

        return incarnation == Incarnation;
    }

    /// <returns>Whether the beat is newer than those before.</returns>
    public bool Accepts(Beat beat, TimeSpan now, HeartbeatTiming timing)
    {
        if (beat.Sequence <= Sequence)
        {
            return false;
        }

        // After a break the peer may have heard the others in between.
        Dictionary<string, TimeSpan> before = now - LastHeard <= timing.Fresh ? Missing : _nothing;
        Missing = beat.Missing.Length == 0 ? _nothing : beat.Missing.Distinct().ToDictionary(
            name => name, name => before.TryGetValue(name, out TimeSpan since) ? since : now);
        Sequence = beat.Sequence;
        LastHeard = now;
        SilentSince = now;
        return true;
    }

    /// <summary>This process was paused: that nothing was heard means nothing.</summary>
    public void Skip(TimeSpan pause) => SilentSince += pause;
}
