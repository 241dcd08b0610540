using System.Collections.Immutable;

namespace EgressOperator.Heartbeats;

/// <summary>The holdings of one peer, put together from the parts that have arrived.</summary>
internal sealed class PeerHoldings
{
    private HeldAddress[]?[] _parts = [];
    private long _arriving;

    /// <summary>The version of <see cref="Addresses"/>; 0 if they are of an earlier process of the peer, or not known.</summary>
    public long Version { get; private set; }

    /// <summary>The last complete list. It outlives its sender's process, as addresses on links do.</summary>
    public ImmutableArray<HeldAddress> Addresses { get; private set; } = [];

    /// <summary>A new process counts from 1 again.</summary>
    public void ExpectNewProcess()
    {
        Version = 0;
        _arriving = 0;
    }

    /// <returns>Whether <see cref="Addresses"/> is another list now.</returns>
    public bool Add(HoldingsPart part)
    {
        if (part.Version <= Version || part.Version < _arriving)
        {
            return false;
        }

        if (part.Version > _arriving || part.Parts != _parts.Length)
        {
            _arriving = part.Version;
            _parts = new HeldAddress[]?[part.Parts];
        }

        _parts[part.Part] = part.Addresses;
        if (_parts.Any(one => one is null))
        {
            return false;
        }

        Version = _arriving;
        ImmutableArray<HeldAddress> before = Addresses;
        Addresses = [.. _parts.SelectMany(one => one!)];
        _parts = [];
        return !Addresses.SequenceEqual(before);
    }
}
