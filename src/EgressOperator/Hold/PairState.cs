namespace EgressOperator.Hold;

/// <summary>
/// What one pod of a pair knows, and what follows from it: pure, without a clock. Times are those of the pod's own clock. PairModelTests
/// search the orders of events of two of these.
/// </summary>
/// <remarks>
/// A pod holds the addresses by the Lease, or by a promise of its peer that it will not take them. A promise is asked for by the holder
/// whose renewals are late. It is given by a pod that does not reach the API server either, or hears that it answers but does not let
/// the holder renew. Both end for the holder before they end for its peer: <see cref="PairTiming"/>.
/// </remarks>
/// <param name="Identity">The name of this process in the Lease, another than that of each other process.</param>
/// <param name="GivenUntil">
/// When the last promise ends that this pod has given. At the start: as if one had just been given, because a process of this pod that has
/// ended may have.
/// </param>
internal sealed record PairState(PairTiming Timing, string Identity, TimeSpan GivenUntil)
{
    private const string Absent = "";

    /// <summary>Whether this pod holds the addresses, or is about to: it asks whether they are free.</summary>
    public bool IsHolding { get; init; }

    /// <summary>The start of the last renewal of the Lease that succeeded; null: the Lease is not this pod's.</summary>
    public TimeSpan? RenewedFrom { get; init; }

    /// <summary>The start of the last request for a promise that the peer has granted.</summary>
    public TimeSpan? PromisedFrom { get; init; }

    /// <summary>The resource version of the Lease; empty if there is none, null if it was never read.</summary>
    public string? LeaseVersion { get; init; }

    /// <summary>Whose name was in the Lease last; null if it is free.</summary>
    public string? LeaseHolder { get; init; }

    /// <summary>When the Lease was first seen as it is.</summary>
    public TimeSpan LeaseSeenAt { get; init; }

    /// <summary>How long this pod respects the holder of the Lease, by the duration in it; at least as long as its own Lease.</summary>
    public TimeSpan LeaseRespect { get; init; }

    /// <summary>Whether the API server answers this pod, but has not let it renew since: so the peer may promise.</summary>
    public bool ServerAnswers { get; init; }

    /// <summary>Since when all requests to the API server fail; null: the last one did not.</summary>
    public TimeSpan? AwaySince { get; init; }

    /// <summary>When the API server answered again after it had been away for so long that a holder needed a promise.</summary>
    public TimeSpan? ApiBackAt { get; init; }

    /// <summary>Since when this pod does not reach the egress network; null: it does.</summary>
    public TimeSpan? LinkLostAt { get; init; }

    /// <summary>Whether the kernel of this pod has refused the addresses last.</summary>
    public bool IsRefused { get; init; }

    /// <summary>When the peer said that it can serve: it reaches the egress network and the API server.</summary>
    public TimeSpan? PeerAbleAt { get; init; }

    /// <summary>When this pod sent the message that the peer has answered so.</summary>
    public TimeSpan? PeerAbleFrom { get; init; }

    /// <summary>The same of the first of these answers; null: the last answer was another.</summary>
    public TimeSpan? PeerAbleSince { get; init; }

    /// <summary>When the peer was heard last.</summary>
    public TimeSpan? PeerHeardAt { get; init; }

    /// <summary>When the peer said that it has removed the addresses.</summary>
    public TimeSpan? PeerLetGoAt { get; init; }

    /// <summary>Whether the process is about to end.</summary>
    public bool IsStopping { get; init; }

    /// <summary>The Lease was read.</summary>
    /// <param name="version">Null: there is none. Whoever was in it may not know yet.</param>
    /// <param name="respect">How long its holder is respected.</param>
    public PairState Saw(string? version, string? holder, TimeSpan respect, TimeSpan now)
    {
        string? last = version is null ? LeaseHolder : holder;
        return Answered(now) with
        {
            LeaseVersion = version ?? Absent,
            LeaseHolder = last,
            LeaseSeenAt = LeaseVersion == (version ?? Absent) ? LeaseSeenAt : now,
            LeaseRespect = version is null ? LeaseRespect : respect,
            RenewedFrom = last == Identity ? RenewedFrom : null,
            ServerAnswers = true,
        };
    }

    /// <summary>This pod wrote its name into the Lease. An answer that is late gives no authority: the next one may.</summary>
    /// <param name="from">When the request began.</param>
    public PairState Renewed(TimeSpan from, string version, TimeSpan now) => Answered(now) with
    {
        LeaseVersion = version,
        LeaseHolder = Identity,
        LeaseSeenAt = now,
        RenewedFrom = now - from <= Timing.Late ? from : RenewedFrom,
        ServerAnswers = now - from > Timing.Late,
    };

    /// <summary>This pod is about to give the Lease up: the request may be done at any time from now on, also if it fails.</summary>
    public PairState Releasing() => this with { RenewedFrom = null };

    /// <summary>This pod has given the Lease up.</summary>
    public PairState Released(string version, TimeSpan now) => Answered(now) with
    {
        LeaseVersion = version,
        LeaseHolder = null,
        LeaseSeenAt = now,
        RenewedFrom = null,
    };

    /// <summary>The API server refused a write because the Lease has changed.</summary>
    public PairState Answered(TimeSpan now) => this with
    {
        AwaySince = null,
        ApiBackAt = now >= AwaySince + Timing.Serve ? now : ApiBackAt,
    };

    /// <summary>A request had no answer, or an error: what it did is unknown.</summary>
    /// <param name="isRead">Whether the Lease was only to be read.</param>
    public PairState Failed(bool isRead, TimeSpan now) =>
        this with { AwaySince = AwaySince ?? now, ServerAnswers = ServerAnswers && !isRead };

    /// <summary>The peer has promised not to take the addresses.</summary>
    /// <param name="from">When this pod sent the message that the promise answers.</param>
    public PairState Promised(TimeSpan from, TimeSpan now) =>
        IsHolding && now - from <= Timing.Late && !(PromisedFrom > from) ? this with { PromisedFrom = from } : this;

    /// <summary>The peer is asked for a promise: if this pod may give it, the state says so before the answer leaves.</summary>
    /// <param name="respect">How long the promise has to last.</param>
    public PairState Asked(TimeSpan respect, TimeSpan now) =>
        this with { GivenUntil = Later(GivenUntil, now + Later(respect, Timing.Respect)) };

    /// <summary>The peer said whether it can serve.</summary>
    /// <param name="from">When this pod sent the message that was answered.</param>
    public PairState Heard(bool isAble, TimeSpan from, TimeSpan now) =>
        this with
        {
            PeerHeardAt = now,
            PeerAbleAt = isAble ? now : null,
            PeerAbleFrom = isAble ? from : null,
            PeerAbleSince = isAble ? PeerAbleSince ?? from : null,
        };

    /// <summary>This pod reaches the egress network, or does not.</summary>
    public PairState Reaches(bool isHealthy, TimeSpan now) => this with { LinkLostAt = isHealthy ? null : LinkLostAt ?? now };

    /// <summary>The peer said that it has removed the addresses.</summary>
    public PairState PeerLetGo(TimeSpan now) => this with { PeerLetGoAt = now };

    /// <summary>This pod begins to take the addresses.</summary>
    public PairState Took() => this with { IsHolding = true };

    /// <summary>This pod has removed the addresses.</summary>
    public PairState LetGo() => this with { IsHolding = false, PromisedFrom = null };

    /// <summary>Whether the Lease gives authority.</summary>
    public bool HasLease(TimeSpan now) => now < RenewedFrom + Timing.Serve;

    /// <summary>Whether this pod leaves the addresses to its peer.</summary>
    /// <remarks>If both lose the network, and when it comes back, nothing moves: one of them notices first.</remarks>
    public bool IsUnfit(TimeSpan now) => IsStopping
        || (IsPeerAble(now)
            && (IsRefused || (PeerAbleFrom >= LinkLostAt + Timing.Settle && PeerAbleFrom >= PeerAbleSince + Timing.Settle)));

    /// <summary>Whether the peer has just said that it can serve.</summary>
    public bool IsPeerAble(TimeSpan now) => now < PeerAbleAt + Timing.Fresh;

    /// <summary>Whether a pod that holds the addresses may go on. If not, it removes them at once.</summary>
    public bool MayHold(TimeSpan now) => IsHolding && !IsUnfit(now) && (HasLease(now) || now < PromisedFrom + Timing.Serve);

    /// <summary>The start of the newest request that gave authority.</summary>
    public TimeSpan? Authority => RenewedFrom > PromisedFrom || PromisedFrom is null ? RenewedFrom : PromisedFrom;

    /// <summary>Whether the kernel may give the addresses a new lifetime: it ends before the peer can take them.</summary>
    public bool MayAdd(TimeSpan now) => MayHold(now) && now <= Authority + Timing.Late;

    /// <summary>Whether this pod may begin to take the addresses.</summary>
    public bool MayTake(TimeSpan now) => !IsHolding && !IsUnfit(now) && HasLease(now) && now >= GivenUntil;

    /// <summary>Whether this pod asks if the addresses are free while it does not have the Lease yet: it takes them no earlier.</summary>
    public bool Prepares(TimeSpan now) => !IsHolding && !IsUnfit(now) && now < PeerLetGoAt + Timing.Fresh;

    /// <summary>Whether this pod writes its name into the Lease, at the version that it has seen.</summary>
    public bool WantsLease(TimeSpan now) => !IsUnfit(now) && LeaseVersion is not null && (LeaseHolder == Identity
        || (now >= GivenUntil && ((LeaseHolder is null && LeaseVersion != Absent) || now >= FreeAt)));

    /// <summary>When this pod may take the Lease, if its holder does not renew it.</summary>
    public TimeSpan FreeAt => LeaseSeenAt + Later(LeaseRespect, Timing.Respect);

    /// <summary>Whether this pod gives the Lease up, at the version that it has seen.</summary>
    public bool WantsRelease(TimeSpan now) => IsUnfit(now) && !IsHolding && LeaseHolder == Identity;

    /// <summary>Whether this pod asks its peer for a promise.</summary>
    public bool Asks(TimeSpan now) => IsHolding && !(now < RenewedFrom + Timing.Ask);

    /// <summary>Whether this pod promises not to take the addresses.</summary>
    /// <param name="serverAnswersPeer">Whether the API server answers the peer, but does not let it renew.</param>
    public bool MayPromise(bool serverAnswersPeer, TimeSpan now) => !IsHolding
        && (IsApiAway || now < ApiBackAt + Timing.Grace || (serverAnswersPeer && LeaseHolder != Identity));

    /// <summary>Whether this pod reaches the egress network.</summary>
    public bool IsLinkHealthy => LinkLostAt is null;

    /// <summary>Whether the last request to the API server failed.</summary>
    public bool IsApiAway => AwaySince is not null;

    /// <summary>Whether this pod could serve if its peer did not.</summary>
    public bool IsAble => IsLinkHealthy && !IsRefused && !IsApiAway && LeaseVersion is not null && !IsStopping;

    /// <summary>When one of the answers above changes, if nothing is heard.</summary>
    public TimeSpan NextChange(TimeSpan now) => new[]
    {
        GivenUntil, FreeAt, RenewedFrom + Timing.Serve, PromisedFrom + Timing.Serve, PeerAbleAt + Timing.Fresh,
        PeerLetGoAt + Timing.Fresh,
    }.Where(time => time > now).Min() ?? TimeSpan.MaxValue;

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
