using System.Collections.Immutable;
using System.Net;

namespace EgressOperator.Heartbeats;

/// <summary>A message to send.</summary>
internal readonly record struct Outgoing(PeerNode To, HeartbeatMessage Message);

/// <summary>
/// The state of the heartbeats of one node. It has no socket and no clock: each call brings the time since any fixed moment, never less
/// than before. Not thread-safe.
/// </summary>
/// <param name="name">This node.</param>
/// <param name="incarnation">When this process started: milliseconds of Unix time.</param>
/// <param name="start">The present.</param>
internal sealed class PeerTable(string name, long incarnation, HeartbeatTiming timing, TimeSpan start)
{
    private readonly SortedDictionary<string, Peer> _peers = new(StringComparer.Ordinal);
    private PeerNode _self = new(name, [], IsEgressNode: false, IsVoter: false);
    private long _incarnation = incarnation;
    private long _sequence;
    private TimeSpan _lastBeat = TimeSpan.MinValue / 2;
    private TimeSpan _nextBeat = TimeSpan.MinValue / 2;
    private TimeSpan _nextLook;
    private bool _knowsPeers;
    private bool _isCutOff;
    private TimeSpan _cutOffUntil = TimeSpan.MinValue;
    private HeldAddress[][] _holdings = [];
    private long _version;
    private ImmutableSortedDictionary<string, ImmutableArray<HeldAddress>> _heldByPeers = HeartbeatView.Empty.Holdings;

    /// <summary>What is known; see <see cref="Look"/>.</summary>
    public HeartbeatView View { get; private set; } = HeartbeatView.Empty;

    /// <summary>
    /// When to call <see cref="Look"/> and <see cref="TakeBeats"/> again if no message arrives. Later than
    /// <see cref="HeartbeatTiming.Lateness"/> after it, call <see cref="Skip"/> before.
    /// </summary>
    public TimeSpan NextDeadline => Earlier(_nextBeat, _nextLook);

    /// <summary>Sets all nodes with an agent, this one included.</summary>
    public void SetPeers(IReadOnlyCollection<PeerNode> nodes, TimeSpan now)
    {
        _knowsPeers = true;
        PeerNode self = nodes.FirstOrDefault(node => node.Name == name) ?? new PeerNode(name, [], false, false);
        bool hasNewRole = self.IsEgressNode != _self.IsEgressNode;
        _self = self;

        var named = nodes.Where(node => node.Name != name).ToDictionary(node => node.Name);
        foreach (string gone in _peers.Keys.Except(named.Keys).ToArray())
        {
            _peers.Remove(gone);
            _heldByPeers = _heldByPeers.Remove(gone);
        }

        foreach (PeerNode node in named.Values)
        {
            bool isNew = !_peers.TryGetValue(node.Name, out Peer? peer);
            if (isNew)
            {
                peer = new Peer(node);
                _peers.Add(node.Name, peer);
            }

            if (isNew || hasNewRole || peer!.Node.IsEgressNode != node.IsEgressNode)
            {
                peer!.Welcome(now, timing);
            }

            peer.Node = node;
        }
    }

    /// <summary>Sets what this node holds. The agent calls it after its start too, also without addresses.</summary>
    /// <exception cref="ArgumentException">They are more than <see cref="MessageFormat.MaxParts"/> datagrams.</exception>
    public void SetHoldings(IEnumerable<HeldAddress> addresses)
    {
        _holdings = MessageFormat.Parts(name, addresses);
        _version++;
        foreach (Peer peer in _peers.Values)
        {
            peer.NeedsHoldings = true;
        }
    }

    /// <summary>This process was paused: the time does not count as silence of others. What has arrived in it must not be used.</summary>
    /// <param name="pause">The time since the last <see cref="Look"/>.</param>
    public void Skip(TimeSpan pause)
    {
        foreach (Peer peer in _peers.Values)
        {
            peer.Skip(pause);
        }
    }

    /// <returns>Why the message is not used; null if it is.</returns>
    public DropReason? Receive(IPAddress source, HeartbeatMessage message, TimeSpan now)
    {
        if (!_peers.TryGetValue(message.Node, out Peer? peer))
        {
            return DropReason.UnknownSender;
        }

        if (!peer.Node.Addresses.Contains(source))
        {
            return DropReason.WrongSource;
        }

        if (!peer.Accepts(message.Incarnation))
        {
            return DropReason.OldIncarnation;
        }

        if (message is HoldingsPart part && peer.Holdings.Add(part))
        {
            _heldByPeers = _heldByPeers.SetItem(part.Node, peer.Holdings.Addresses);
        }
        else if (message is Beat beat)
        {
            if (!peer.Accepts(beat, now, timing))
            {
                return DropReason.OldSequence;
            }

            Acknowledge(peer, beat, now);
        }

        return null;
    }

    /// <summary>Computes <see cref="View"/>: the same object as before if nothing has changed.</summary>
    public HeartbeatView Look(TimeSpan now)
    {
        if (!_knowsPeers)
        {
            _nextLook = now + timing.Tick;
            return View;
        }

        var moment = new Moment(now);
        var verdicts = new Verdicts(moment, timing, _self, _peers.Values, _cutOffUntil);
        HeartbeatView before = View;
        bool wasCutOff = _isCutOff;
        _isCutOff = verdicts.IsCutOff();
        View = before.With(verdicts.Missing(), verdicts.Dead(), verdicts.IsIsolated(), verdicts.MayTake(), _heldByPeers);
        _nextLook = Earlier(moment.NextChange, now + timing.Tick);

        TimeSpan pause = View.Missing != before.Missing || _isCutOff != wasCutOff
            ? timing.Tick : IsInTrouble(now) ? timing.Hurry : timing.Interval;
        _nextBeat = Earlier(_nextBeat, _lastBeat + pause);
        return View;
    }

    /// <summary>The beats to send now: none before the interval is over. Call <see cref="Look"/> first.</summary>
    public List<Outgoing> TakeBeats(TimeSpan now)
    {
        List<Outgoing> taken = [];
        if (now < _nextBeat)
        {
            return taken;
        }

        _lastBeat = now;
        _nextBeat = now + timing.Interval;
        _sequence = Math.Max(_sequence + 1, (long)(now - start).TotalMilliseconds);
        string[] missing = MessageFormat.NamesThatFit(name, _isCutOff ? View.Missing.Prepend(name) : View.Missing);
        foreach (string said in missing)
        {
            if (said == name)
            {
                _cutOffUntil = now + timing.Hold;
            }
            else
            {
                _peers[said].HoldUntil = now + timing.Hold;
            }
        }

        foreach (Peer peer in _peers.Values.Where(peer => _self.IsEgressNode || peer.Node.IsEgressNode))
        {
            bool supports = !View.Missing.Contains(peer.Node.Name) && now >= peer.HoldUntil;
            Heard? heard = peer.Incarnation == 0
                ? null : new Heard(peer.Incarnation, supports ? peer.Sequence : 0, peer.Holdings.Version);
            taken.Add(new Outgoing(peer.Node, new Beat(name, _incarnation, _sequence, missing, heard)));
        }

        return taken;
    }

    /// <summary>The parts of this node's holdings to send now.</summary>
    public List<Outgoing> TakeHoldings(TimeSpan now)
    {
        List<Outgoing> taken = [];
        foreach (Peer peer in _peers.Values.Where(peer => peer.NeedsHoldings))
        {
            peer.NeedsHoldings = false;
            peer.HoldingsSent = now;
            taken.AddRange(_holdings.Select((part, index) => new Outgoing(
                peer.Node, new HoldingsPart(name, _incarnation, _version, index, _holdings.Length, part))));
        }

        return taken;
    }

    private void Acknowledge(Peer peer, Beat beat, TimeSpan now)
    {
        Heard? heard = beat.Heard;
        if (heard?.Incarnation > _incarnation)
        {
            // The machine's clock was ahead when an earlier process started: go on from there, or nobody would listen.
            _incarnation = heard.Incarnation + 1;
        }

        bool isMine = heard?.Incarnation == _incarnation;
        if (isMine && heard!.Sequence is > 0 && heard.Sequence <= _sequence)
        {
            TimeSpan until = start + TimeSpan.FromMilliseconds(heard.Sequence) + timing.Lease;
            peer.LeaseUntil = until > peer.LeaseUntil ? until : peer.LeaseUntil;
        }

        long has = isMine ? heard!.Holdings : 0;
        peer.NeedsHoldings |= has < _version && now - peer.HoldingsSent >= timing.Fresh;
    }

    private bool IsInTrouble(TimeSpan now) =>
        View.IsIsolated || _peers.Values.Any(peer => peer.Node.IsEgressNode
            && (now < peer.HoldUntil || View.Missing.Contains(peer.Node.Name)));

    private static TimeSpan Earlier(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
