using System.Collections.Immutable;
using EgressOperator.Controller;
using EgressOperator.Heartbeats;
using EgressOperator.Objects;

namespace EgressOperator.Agent;

/// <summary>The other agents by their heartbeats, and by the API what those have not told yet.</summary>
internal sealed class HeartbeatPeers(string self, ClusterCache cache, HeartbeatService heartbeats) : IPeers
{
    private ImmutableArray<PeerNode> _peers = [];

    /// <summary>What this node holds; null before it has decided for the first time.</summary>
    private ImmutableArray<HeldBy>? _own;

    public bool IsIsolated => heartbeats.Current.IsIsolated;

    public bool MayTake => heartbeats.Current.MayTake;

    public IReadOnlyCollection<string> Missing => heartbeats.Current.Missing;

    public PeerView View()
    {
        HeartbeatView heard = heartbeats.Current;
        var holdings = cache.Agents.ToDictionary(
            agent => agent.Key,
            agent => heard.Holdings.TryGetValue(agent.Key, out ImmutableArray<HeldAddress> told)
                ? [.. told.Select(held => new HeldBy(held.Address, held.From))]
                : InApi(agent.Value));
        if (_own is ImmutableArray<HeldBy> own)
        {
            holdings[self] = own;
        }

        return new PeerView(holdings, heard.Dead, heard.Missing);
    }

    public void SetHoldings(ImmutableArray<HeldBy> held)
    {
        if (_own is ImmutableArray<HeldBy> known && known.SequenceEqual(held))
        {
            return;
        }

        _own = held;
        heartbeats.SetHoldings(held.Select(one => new HeldAddress(one.Address, one.From)));
    }

    /// <summary>Tells the heartbeats which nodes there are, by the API.</summary>
    public void SetPeers()
    {
        IReadOnlyDictionary<string, AgentReport> agents = cache.Agents;
        ImmutableArray<PeerNode> peers = [.. cache.Nodes.Values
            .Where(node => node.Node.Name == self || agents.ContainsKey(node.Node.Name))
            .Select(node => new PeerNode(
                node.Node.Name,
                node.Addresses,
                node.Node.IsAssignable || agents.GetValueOrDefault(node.Node.Name)?.Held.IsEmpty == false,
                node.Node.Ready))
            .OrderBy(peer => peer.Name, StringComparer.Ordinal)];
        if (!peers.SequenceEqual(_peers, PeerComparer.Instance))
        {
            _peers = peers;
            heartbeats.SetPeers(peers);
        }
    }

    /// <summary>What an agent holds, by its EgressNode.</summary>
    public static ImmutableArray<HeldBy> InApi(AgentReport agent) =>
        [.. agent.Held.Select(address => new HeldBy(address, agent.Taken.FirstOrDefault(taken => taken.Address.Equals(address))?.From))];

    private sealed class PeerComparer : IEqualityComparer<PeerNode>
    {
        public static PeerComparer Instance { get; } = new();

        public bool Equals(PeerNode? one, PeerNode? other) => one is not null && other is not null
            && (one with { Addresses = [] }) == (other with { Addresses = [] }) && one.Addresses.SequenceEqual(other.Addresses);

        public int GetHashCode(PeerNode peer) => peer.Name.GetHashCode(StringComparison.Ordinal);
    }
}
