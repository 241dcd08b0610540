using EgressOperator.Hold;

namespace EgressOperator.Tests.Hold;

/// <summary>What can go wrong besides requests and messages, which may always be lost or late.</summary>
[Flags]
internal enum Faults
{
    None = 0,

    /// <summary>A process is stopped, and goes on later.</summary>
    Hang = 1,

    /// <summary>A process is killed, and another one starts.</summary>
    Kill = 2,

    /// <summary>A pod is cut from the egress network.</summary>
    Link = 4,

    /// <summary>A process ends as it is told to.</summary>
    Stop = 8,
}

/// <summary>How the state machine is run: in the tests of the model itself, wrongly.</summary>
/// <param name="Change">The state after a promise was given.</param>
/// <param name="StartOf">From when authority counts, by the start of a request and the time of its answer.</param>
/// <param name="Timing">The times of the state machine.</param>
internal sealed record Rules(Func<PairState, PairState> Change, Func<TimeSpan, TimeSpan, TimeSpan> StartOf, PairTiming Timing)
{
    public static Rules Right(int late) => new(state => state, (from, _) => from, World.TimingOf(late));
}

/// <summary>
/// Two pods and an API server in one moment. Times are ticks from now on, so that moments that differ only in their time are equal.
/// </summary>
/// <param name="A">One pod.</param>
/// <param name="B">The other one.</param>
/// <param name="Holder">Whose name is in the Lease; empty: it is free.</param>
internal sealed record World(Pod A, Pod B, string Holder)
{
    /// <summary>The version of the Lease that the server has; any other is an older one.</summary>
    public const string Current = "current";

    public const string Older = "older";

    /// <summary>Whether both kernels have the addresses.</summary>
    public bool AreBothServing => A.Expires > TimeSpan.Zero && B.Expires > TimeSpan.Zero;

    public bool IsServing => A.Expires > TimeSpan.Zero || B.Expires > TimeSpan.Zero;

    public Pod this[bool isB] => isB ? B : A;

    /// <summary>A number that only equal worlds have. Which pod is A makes no difference.</summary>
    public UInt128 Key() => UInt128.Min(WorldKey.Of(A, B, Holder), WorldKey.Of(B, A, Holder));

    public static TimeSpan Ticks(int count) => TimeSpan.FromTicks(count);

    /// <summary>A lifetime of two ticks.</summary>
    /// <param name="late">How old authority may be when the lifetime begins.</param>
    public static PairTiming TimingOf(int late) => TimingOf(late, respect: late + 2);

    public static PairTiming TimingOf(int late, int respect) => new()
    {
        Late = Ticks(late),
        Serve = Ticks(2),
        Lifetime = Ticks(2),
        Respect = Ticks(respect),
        Renew = Ticks(1),
        Ask = Ticks(1),
        Grace = Ticks(1),
        Look = Ticks(1),
        Settle = Ticks(0),
        Fresh = Ticks(1),
    };

    public static World Begin(Rules rules) => new(Pod.New("A", rules.Timing), Pod.New("B", rules.Timing), "");

    public World With(bool isB, Pod pod) => isB ? this with { B = pod } : this with { A = pod };

    /// <summary>Time goes on. Processes that run do what is due.</summary>
    public World Tick() => this with { A = A.Tick(), B = B.Tick() };

    /// <summary>A pod reads the Lease. An answer that is old does no more: what is written then is refused.</summary>
    public World Read(bool isB) =>
        With(isB, this[isB].Saw(Current, Holder.Length == 0 ? null : Holder));

    /// <summary>The server does a write of a pod, if the Lease is still as the pod has seen it.</summary>
    public World Serve(bool isB)
    {
        Pod pod = this[isB];
        Write write = pod.Write!;
        if (!write.IsOfCurrent)
        {
            return With(isB, pod with { Write = write with { IsDone = true, IsConflict = true } });
        }

        World done = With(isB, pod.Aged() with { Write = write with { IsDone = true } }) with { Holder = write.Holder };
        return done.With(!isB, done[!isB].Aged());
    }
}

/// <summary>A write of the Lease that has no answer yet.</summary>
/// <param name="From">When it began.</param>
/// <param name="Holder">Whose name it writes; empty: it gives the Lease up.</param>
/// <param name="IsOfCurrent">Whether the Lease is still as the writer has seen it, or as it has written it.</param>
internal sealed record Write(TimeSpan From, string Holder, bool IsOfCurrent)
{
    public bool IsDone { get; init; }

    public bool IsConflict { get; init; }
}

/// <summary>A pod: the process, the kernel, and what is on its way.</summary>
/// <param name="State">The state machine.</param>
/// <param name="IsRunning">Whether the process runs.</param>
/// <param name="Expires">When the kernel removes the addresses; zero: it has not got them.</param>
internal sealed record Pod(PairState State, bool IsRunning, TimeSpan Expires)
{
    /// <summary>Longer ago than any answer counts.</summary>
    private TimeSpan Long => -State.Timing.Late - World.Ticks(1);

    /// <summary>Whether the process has ended; another one can start.</summary>
    public bool IsDead { get; init; }

    /// <summary>Whether nothing that the process has asked since can have changed the Lease.</summary>
    public bool IsKnown { get; init; }

    public Write? Write { get; init; }

    /// <summary>A write for whose answer nobody waits, and which the server may still do.</summary>
    public Write? Ghost { get; init; }

    /// <summary>When the request for a promise was sent that is on its way to the peer.</summary>
    public TimeSpan? Question { get; init; }

    /// <summary>When the peer had sent the request that the promise grants which is on its way to it.</summary>
    public TimeSpan? Promise { get; init; }

    /// <summary>Whether the process reads the Lease before it writes.</summary>
    public bool Reads => Write is null && (!IsKnown || State.LeaseHolder != State.Identity);

    private static TimeSpan Now => TimeSpan.Zero;

    public static Pod New(string identity, PairTiming timing) =>
        new(new PairState(timing, identity, timing.Respect), IsRunning: true, TimeSpan.Zero);

    /// <summary>The process is killed. The kernel keeps the addresses until they expire.</summary>
    public Pod Die(PairTiming timing) => New(State.Identity, timing) with { IsRunning = false, IsDead = true, Expires = Expires };

    /// <summary>Another process begins: first it removes what it finds.</summary>
    public Pod Restart(PairTiming timing) => New(State.Identity, timing);

    public Pod Change(PairState state) => (this with { State = state }).Step();

    /// <summary>The process does what is due, all at once: it can hang before and after.</summary>
    public Pod Step()
    {
        Pod next = IsRunning && State.IsHolding && !State.MayHold(Now) ? this with { State = State.LetGo(), Expires = Now } : this;
        return next.IsRunning && next.State.MayTake(Now) ? next with { State = next.State.Took() } : next;
    }

    /// <summary>The kernel gives the addresses a lifetime, if the state allows.</summary>
    public Pod Add() => State.MayAdd(Now) ? this with { Expires = State.Timing.Lifetime } : this;

    public Pod Saw(string version, string? holder) =>
        (this with { IsKnown = true }).Change(State.Saw(version, holder, State.Timing.Respect, Now)).Begin();

    public Pod Failed() => (this with { IsKnown = false }).Change(State.Failed(isRead: true, Now));

    /// <summary>The process begins to write the Lease, if it wants to.</summary>
    public Pod Begin()
    {
        bool isRelease = State.WantsRelease(Now);
        return !isRelease && !State.WantsLease(Now) ? this : this with
        {
            State = isRelease ? State.Releasing() : State,
            Write = new Write(Now, isRelease ? "" : State.Identity, State.LeaseVersion == World.Current),
            IsKnown = false,
        };
    }

    /// <summary>The answer to a write that is done.</summary>
    public Pod Answer(Rules rules)
    {
        Pod next = this with { Write = null, IsKnown = !Write!.IsConflict };
        string version = Write.IsOfCurrent ? World.Current : World.Older;
        Pod after = next.Change(Write.IsConflict ? State.Answered(Now)
            : Write.Holder.Length == 0 ? State.Released(version, Now)
            : State.Renewed(rules.StartOf(Write.From, Now), version, Now));
        return after.Expires > Now ? after.Add() : after;
    }

    /// <summary>The process gives a write up: the server has done it, or will, or never does.</summary>
    public Pod GiveUp() => (this with { Write = null, Ghost = Write!.IsDone ? Ghost : Write with { From = Long } }).Failed();

    /// <summary>The peer asks for a promise.</summary>
    /// <remarks>Whether the server answers the peer is left open: more promises are given than by real pods.</remarks>
    public Pod Hear(TimeSpan question, bool serverAnswersPeer, Rules rules) => !State.MayPromise(serverAnswersPeer, Now) ? this
        : Change(rules.Change(State.Asked(State.Timing.Respect, Now))) with { Promise = question };

    /// <summary>The peer has promised.</summary>
    public Pod HearPromise(TimeSpan from, Rules rules)
    {
        Pod next = Change(State.Promised(rules.StartOf(from, Now), Now));
        return next.Expires > Now ? next.Add() : next;
    }

    public Pod Tick()
    {
        TimeSpan tick = World.Ticks(1);
        PairState state = State with
        {
            // What is older than any rule asks for is all the same.
            GivenUntil = Least(State.GivenUntil - tick, Now),
            RenewedFrom = Recent(State.RenewedFrom - tick, State.Timing.Serve),
            PromisedFrom = Recent(State.PromisedFrom - tick, State.Timing.Serve),
            LeaseSeenAt = Least(State.LeaseSeenAt - tick, -State.Timing.Respect),
            AwaySince = State.AwaySince is TimeSpan since ? Least(since - tick, -State.Timing.Serve) : null,
            ApiBackAt = Recent(State.ApiBackAt - tick, State.Timing.Grace),
            PeerAbleAt = Recent(State.PeerAbleAt - tick, State.Timing.Fresh),
            PeerAbleFrom = Recent(State.PeerAbleFrom - tick, State.Timing.Fresh),
            PeerHeardAt = null,
        };
        return (this with
        {
            State = state,
            Expires = Least(Expires - tick, Now),
            Write = Write is null ? null : Write with { From = Least(Write.From - tick, Long) },
            Question = Recent(Question - tick, -Long),
            Promise = Recent(Promise - tick, -Long),
        }).Step();
    }

    /// <summary>The Lease has a new version.</summary>
    public Pod Aged() => this with
    {
        State = State with { LeaseVersion = State.LeaseVersion is null ? null : World.Older },
        Write = Write is null ? null : Write with { IsOfCurrent = false },
        Ghost = Ghost is null ? null : Ghost with { IsOfCurrent = false },
    };

    private static TimeSpan Least(TimeSpan time, TimeSpan least) => time < least ? least : time;

    private static TimeSpan? Recent(TimeSpan? time, TimeSpan limit) => time <= -limit ? null : time;
}
