namespace EgressOperator.Heartbeats;

/// <summary>Which nodes are missing and dead, and whether this one is isolated. Fewer than three voters decide nothing.</summary>
/// <param name="self">This node.</param>
/// <param name="cutOffUntil">Until then others may count that this node called itself missing.</param>
internal sealed class Verdicts(
    Moment moment, HeartbeatTiming timing, PeerNode self, IReadOnlyCollection<Peer> peers, TimeSpan cutOffUntil)
{
    private const int FewestVoters = 3;

    private readonly int _voters = peers.Count(peer => peer.Node.IsVoter) + (self.IsVoter ? 1 : 0);

    private bool Decides => _voters >= FewestVoters;

    /// <summary>The egress nodes that were not heard.</summary>
    public string[] Missing() => [.. peers.Where(IsMissing).Select(peer => peer.Node.Name)];

    /// <summary>
    /// Whether this egress node hears no majority that does not miss it. Then it calls itself missing: others may still hear it well.
    /// </summary>
    public bool IsCutOff() => Decides && self.IsEgressNode
        && !IsMajority(peer => (IsHeard(peer) && !peer.Missing.ContainsKey(self.Name)) || IsWelcome(peer));

    /// <summary>Whether this egress node must drop its addresses.</summary>
    public bool IsIsolated() => Decides && self.IsEgressNode
        && (IsCutOff() || moment.IsBefore(cutOffUntil) || !IsMajority(peer => Supports(peer) || IsWelcome(peer)));

    /// <summary>Whether this egress node may take addresses.</summary>
    public bool MayTake() => self.IsEgressNode && (!Decides || (IsMajority(Supports) && !IsIsolated()));

    /// <summary>The egress nodes that more than half of the voters, or they themselves, have called missing for the whole grace.</summary>
    public string[] Dead()
    {
        if (!Decides || !MayTake())
        {
            return [];
        }

        Dictionary<string, int> votes = [];
        void Vote(string missing, TimeSpan since, int weight)
        {
            if (!moment.IsBefore(since + timing.Grace))
            {
                votes[missing] = votes.GetValueOrDefault(missing) + weight;
            }
        }

        foreach (Peer peer in peers.Where(peer => peer.Missing.Count > 0 && HasSay(peer) && moment.IsBefore(peer.LastHeard + timing.Fresh)))
        {
            foreach ((string missing, TimeSpan since) in peer.Missing)
            {
                Vote(missing, since, missing == peer.Node.Name ? _voters : peer.Node.IsVoter ? 1 : 0);
            }
        }

        foreach (Peer peer in peers.Where(peer => self.IsVoter && IsMissing(peer)))
        {
            Vote(peer.Node.Name, peer.SilentSince + timing.MissingAfter, 1);
        }

        return [.. peers.Where(peer => peer.Node.IsEgressNode && HasSay(peer) && 2 * votes.GetValueOrDefault(peer.Node.Name) > _voters)
            .Select(peer => peer.Node.Name)];
    }

    private bool IsMissing(Peer peer) => peer.Node.IsEgressNode && !IsHeard(peer);

    private bool IsHeard(Peer peer) => moment.IsBefore(peer.SilentSince + timing.MissingAfter);

    private bool Supports(Peer peer) => moment.IsBefore(peer.LeaseUntil);

    private bool IsWelcome(Peer peer) => moment.IsBefore(peer.NewSince + timing.Welcome);

    private bool HasSay(Peer peer) => !moment.IsBefore(peer.NewSince + timing.Probation);

    private bool IsMajority(Func<Peer, bool> supports) =>
        2 * (peers.Count(peer => peer.Node.IsVoter && supports(peer)) + (self.IsVoter ? 1 : 0)) > _voters;
}
