using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using EgressIp;
using Kubernetes;
using Serilog;

namespace EgressOperator.Controller;

/// <summary>
/// The work of the leader. Whenever the cluster changes, the whole assignment is made anew; each EgressIP whose status or events differ
/// from it becomes work of a queue, whose workers write.
/// </summary>
internal sealed class Term
{
    private const int Workers = 8;

    /// <summary>Changes within this time make one assignment.</summary>
    private static readonly TimeSpan _gathering = TimeSpan.FromMilliseconds(50);

    /// <summary>Assignments take at most this part of the time, however much changes.</summary>
    private const int MostBusy = 5;

    /// <summary>
    /// How often a status is written at most that says nothing new: another program fights for it, or a node that flaps changes a message.
    /// </summary>
    private static readonly TimeSpan _repeating = TimeSpan.FromSeconds(30);

    /// <summary>How long a request to rebalance is kept: what cannot be written by then keeps its place.</summary>
    private static readonly TimeSpan _longestRebalance = TimeSpan.FromMinutes(1);

    private const int ToldAttempts = 4;

    private readonly ControllerContext _context;

    private readonly LeaderElection _election;

    private readonly string? _subresource;

    private readonly WorkQueue<string> _queue;

    private readonly AddressClaims _claims = new();

    private readonly ConcurrentDictionary<string, ObjectState> _states = [];

    /// <summary>Holds at most one item: however much has changed, one assignment follows.</summary>
    private readonly Channel<bool> _changed =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private ImmutableDictionary<string, Decision> _decisions = ImmutableDictionary<string, Decision>.Empty;

    private ILookup<string, WrittenEvent> _toldBefore = Array.Empty<WrittenEvent>().ToLookup(one => one.Uid);

    private ImmutableDictionary<string, string?>? _rebalanceRequests;

    /// <summary>When it was asked for; null if it is done.</summary>
    private long? _rebalancingSince;

    private readonly DeclaredField _conditions;

    /// <param name="subresource">Where the status is written: <c>status</c>, or null if the status is a part of the object.</param>
    public Term(ControllerContext context, LeaderElection election, string? subresource)
    {
        (_context, _election, _subresource) = (context, election, subresource);
        _queue = new WorkQueue<string>(context.Clock);
        _conditions = new DeclaredField(context.Api, ClusterCache.EgressIPResource, "status.conditions", context.Log);
        _claims.Freed += _queue.Add;
    }

    private ClusterCache Cache => _context.Cache;

    private ILogger Log => _context.Log;

    public async Task RunAsync(CancellationToken cancellation)
    {
        Cache.EgressIPs.Subscribe(OnEgressIPChanged);
        Cache.Changed += Wake;
        _context.Metrics.QueueLength = () => _queue.Length;
        try
        {
            await _conditions.LookUpAsync(cancellation);
            await ReadToldEventsAsync(cancellation);
            Wake();
            await Runs.EitherAsync(cancellation, DecideAsync, token => _queue.RunAsync(Workers, WorkAsync, OnFailure, token));
        }
        finally
        {
            Cache.EgressIPs.Changed -= OnEgressIPChanged;
            Cache.Changed -= Wake;
            _context.Metrics.EndTerm();
        }
    }

    /// <summary>What cannot be read may be told again: that is better than no assignment.</summary>
    private async Task ReadToldEventsAsync(CancellationToken cancellation)
    {
        var pause = new Backoff(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(2));
        for (int attempt = 0; attempt < ToldAttempts; attempt++)
        {
            try
            {
                IReadOnlyList<WrittenEvent> written =
                    await _context.Events.ListAsync(ClusterCache.EgressIPResource, EventRecorder.DefaultNamespace, cancellation);
                _toldBefore = written.ToLookup(one => one.Uid);
                return;
            }
            catch (ApiException failure)
            {
                Log.Warning("events may be told again: {Failure:l}", [failure.Message]);
                await Task.Delay(pause.Next(failure), _context.Clock, cancellation);
            }
        }
    }

    private void Wake() => _changed.Writer.TryWrite(true);

    private void OnEgressIPChanged(Change<WatchedEgressIP?> change)
    {
        if (change.After is not WatchedEgressIP after)
        {
            _claims.Gone(change.Key);
            _states.TryRemove(change.Key, out _);
            Wake();
            return;
        }

        _claims.Saw(change.Key, after.Status.Items);
        bool isOwnWrite = change.Before is WatchedEgressIP before && before.Uid == after.Uid
            && Same.Specs(before.Source, after.Source) && before.Rebalance == after.Rebalance
            && _states.TryGetValue(change.Key, out ObjectState? state) && state.Written is EgressIPStatus written
            && after.Status.HasItemsOf(written) && HasCondition(after.Status, written);
        if (!isOwnWrite)
        {
            Wake();
        }
    }

    private async Task DecideAsync(CancellationToken cancellation)
    {
        TimeSpan pause = _gathering;
        while (true)
        {
            await _changed.Reader.ReadAsync(cancellation);
            await Task.Delay(pause, _context.Clock, cancellation);
            OvnKubernetes.Refuse(Cache);
            long began = _context.Clock.GetTimestamp();
            (Cluster cluster, Assignment assignment) = Decide();
            _context.Metrics.Decided(cluster, assignment, _context.Clock.GetElapsedTime(began));
            TimeSpan busy = _context.Clock.GetElapsedTime(began) * (MostBusy - 1);
            pause = busy > _gathering ? busy : _gathering;
            if (_rebalancingSince is not null)
            {
                Wake();
            }
        }
    }

    private (Cluster Before, Assignment Decided) Decide()
    {
        WatchedEgressIP[] watched = [.. Cache.EgressIPs.Objects.OfType<WatchedEgressIP>()];
        if (IsRebalanceAsked(watched))
        {
            _rebalancingSince = _context.Clock.GetTimestamp();
        }

        Cluster cluster = Cache.Snapshot(watched.Select(AsWritten));
        var assignment = Assignment.Of(cluster, _rebalancingSince is not null);
        var byName = watched.ToDictionary(one => one.Source.Name);
        _decisions = assignment.Objects.ToImmutableDictionary(made => made.Name, made => new Decision(byName[made.Name].Source, made));
        bool isDone = true;
        foreach (ObjectAssignment made in assignment.Objects)
        {
            bool isAsDecided = IsAsDecided(byName[made.Name].Status, made);
            isDone &= isAsDecided;
            if (!isAsDecided || !_states.TryGetValue(made.Name, out ObjectState? state) || !state.Events.HasTold(made.Events))
            {
                _queue.Add(made.Name);
            }
        }

        // Until all is written: an assignment in between would keep what has not moved yet.
        if (_rebalancingSince is long since && (isDone || _context.Clock.GetElapsedTime(since) > _longestRebalance))
        {
            _rebalancingSince = null;
        }

        return (cluster, assignment);
    }

    /// <summary>The EgressIP with the status that this leader gave it: what others write there does not count.</summary>
    private EgressIP AsWritten(WatchedEgressIP watched) =>
        _states.TryGetValue(watched.Source.Name, out ObjectState? state) && state.Uid == watched.Uid
        && state.Written is EgressIPStatus written
            ? watched.Source with { Items = written.Items }
            : watched.Source;

    /// <summary>Whether the annotation of a known EgressIP has got another value since this leader looked last.</summary>
    private bool IsRebalanceAsked(WatchedEgressIP[] watched)
    {
        ImmutableDictionary<string, string?> before = _rebalanceRequests ?? watched.ToImmutableDictionary(
            one => one.Source.Name, one => one.Rebalance);
        _rebalanceRequests = watched.ToImmutableDictionary(one => one.Source.Name, one => one.Rebalance);
        return watched.Any(one => one.Rebalance is not null
            && before.TryGetValue(one.Source.Name, out string? known) && one.Rebalance != known);
    }

    private bool IsAsDecided(EgressIPStatus status, ObjectAssignment made)
    {
        var decided = EgressIPStatus.Of(made, made.Items, status, DateTimeOffset.UnixEpoch);
        return status.HasItemsOf(decided) && HasCondition(status, decided);
    }

    private bool HasCondition(EgressIPStatus status, EgressIPStatus wanted) => !_conditions.IsDeclared || status.HasConditionOf(wanted);

    private void OnFailure(string name, Exception failure, TimeSpan pause)
    {
        WriteFailure.Log(Log, $"EgressIP {name}", failure, pause);
        _context.Metrics.CountFailure();
    }

    private async Task WorkAsync(string name, CancellationToken cancellation)
    {
        string? uid = Cache.EgressIPs.Find(name)?.Meta.Uid;
        try
        {
            await ReconcileAsync(name, cancellation);
        }
        finally
        {
            (ObjectMeta Meta, WatchedEgressIP? Object)? now = Cache.EgressIPs.Find(name);
            if (now?.Meta.Uid != uid)
            {
                // Deleted during this work, which may have claimed addresses after that was heard.
                _claims.Settle(name, now?.Object?.Status.Items ?? []);
            }
        }
    }

    /// <summary>Makes the status and the events of an EgressIP those of the last assignment.</summary>
    private async Task ReconcileAsync(string name, CancellationToken cancellation)
    {
        if (Cache.EgressIPs.Find(name) is not (ObjectMeta meta, WatchedEgressIP watched)
            || !_decisions.TryGetValue(name, out Decision? decision) || !Same.Specs(decision.Source, watched.Source))
        {
            return; // It is gone, or the next assignment will have it.
        }

        ObjectState state = _states.AddOrUpdate(name, _ => StateOf(meta), (_, known) => known.Uid == meta.Uid ? known : StateOf(meta));
        ObjectAssignment made = decision.Made;
        if (!state.IsSeen)
        {
            // A status as it should be was written by an earlier leader, which told the events too.
            bool isOld = IsAsDecided(watched.Status, made);
            state.Events.MarkTold(made.Events.Where(one => isOld || WasTold(meta.Uid, one)));
            state.IsSeen = true;
        }

        var wanted = EgressIPStatus.Of(made, _claims.Take(name, made.Items), watched.Status, _context.Clock.GetUtcNow());
        ImmutableArray<Event> once = [];
        if (watched.Status.HasItemsOf(wanted) && HasCondition(watched.Status, wanted))
        {
            state.Written = wanted;
            if (!state.IsUnanswered)
            {
                _claims.Settle(name, wanted.Items);
            }
        }
        else if (IsNews(state, wanted) || MayRepeat(name, state, cancellation))
        {
            if (state.Written is EgressIPStatus written && !watched.Status.HasItemsOf(written))
            {
                once = [new Event(EventType.Normal, EventReason.StatusRestored, "another program had changed status.items")];
            }

            await WriteStatusAsync(meta, watched, state, wanted, cancellation);
            _context.Metrics.CountWrite(made.Moves.Length);
        }

        _context.Metrics.CountEvents(await state.Events.TellAsync(meta, made.Events, once, cancellation));
    }

    /// <summary>Whether a status says more than another message, or what this leader has written already.</summary>
    private static bool IsNews(ObjectState state, EgressIPStatus wanted) =>
        state.Written is not EgressIPStatus written || !written.HasItemsOf(wanted)
        || (written.Condition?.Status, written.Condition?.Reason) != (wanted.Condition?.Status, wanted.Condition?.Reason);

    /// <summary>Whether a status without news may be written now; else it is written later.</summary>
    private bool MayRepeat(string name, ObjectState state, CancellationToken cancellation)
    {
        if (state.RepeatedAt is long at && _repeating - _context.Clock.GetElapsedTime(at) is TimeSpan wait && wait > TimeSpan.Zero)
        {
            if (!state.IsToRepeat)
            {
                state.IsToRepeat = true;
                _queue.AddLater(name, wait, cancellation);
            }

            return false;
        }

        (state.RepeatedAt, state.IsToRepeat) = (_context.Clock.GetTimestamp(), false);
        return true;
    }

    private ObjectState StateOf(ObjectMeta meta) => new(meta.Uid, new ObjectEvents(_context.Events, Log));

    /// <summary>Whether an earlier leader has told an event. A move that has just been decided is new.</summary>
    private bool WasTold(string uid, Event one) => one.Reason != EventReason.Reassigned && _toldBefore[uid].Any(
        written => written.Reason == one.Reason.ToString() && written.Subject == EventRecorder.Shortened(one.Subject));

    private async Task WriteStatusAsync(
        ObjectMeta meta, WatchedEgressIP watched, ObjectState state, EgressIPStatus wanted, CancellationToken cancellation)
    {
        // The version and the uid fence the write: it fails if the object is another one, or not as it was when this was decided.
        var source = new JsonObject
        {
            ["apiVersion"] = ClusterCache.EgressIPResource.ApiVersion,
            ["kind"] = ClusterCache.EgressIPResource.Kind,
            ["metadata"] = new JsonObject { ["name"] = meta.Name, ["uid"] = meta.Uid, ["resourceVersion"] = meta.ResourceVersion },
            ["status"] = wanted.ToJson(_conditions.IsDeclared),
        };
        await _election.UntilLeaderAsync(cancellation);
        EgressIPStatus? before = state.Written;
        try
        {
            // Before the request: the answer may come by the watch first.
            state.Written = wanted;
            JsonElement written = await _context.Api.ApplyAsync(
                ClusterCache.EgressIPResource, space: null, meta.Name, _subresource, source, BuildInfo.Name, force: true, cancellation);
            Cache.EgressIPs.Observe(written);
            state.IsUnanswered = false;
            _claims.Settle(meta.Name, wanted.Items);
        }
        catch (ApiException failure) when (failure.IsConflict || failure.Code is null or >= HttpStatusCode.InternalServerError)
        {
            // A conflict tells that the copy is old; without a clear answer the write may have succeeded. The API knows.
            state.Written = failure.IsConflict ? before : null;
            state.IsUnanswered = !failure.IsConflict;
            EgressIPStatus? actual = await RefreshAsync(meta, state, cancellation);
            if (actual is null || !actual.HasItemsOf(wanted) || !HasCondition(actual, wanted))
            {
                await _conditions.LookUpAfterAsync(failure, cancellation);
                throw;
            }
        }
        catch (ApiException failure)
        {
            // Refused for good.
            await _conditions.LookUpAfterAsync(failure, cancellation);
            state.Written = before;
            _claims.Settle(meta.Name, watched.Status.Items);
            throw;
        }
    }

    /// <returns>The status in the API; null if the object is another one now.</returns>
    private async Task<EgressIPStatus?> RefreshAsync(ObjectMeta meta, ObjectState state, CancellationToken cancellation)
    {
        JsonElement source = await _context.Api.GetAsync(ClusterCache.EgressIPResource, space: null, meta.Name, cancellation);
        Cache.EgressIPs.Observe(source);
        var actual = ObjectMeta.Of(source);
        if (actual.Uid != meta.Uid || Cache.EgressIPs.Find(meta.Name) is not (_, WatchedEgressIP watched))
        {
            return null;
        }

        state.Written ??= watched.Status;
        if (actual.ResourceVersion != meta.ResourceVersion)
        {
            // No write with the old version can succeed any more.
            state.IsUnanswered = false;
            _claims.Settle(meta.Name, watched.Status.Items);
            Wake();
        }

        return watched.Status;
    }

    /// <param name="Source">The EgressIP that was decided on.</param>
    private sealed record Decision(EgressIP Source, ObjectAssignment Made);

    private sealed class ObjectState(string uid, ObjectEvents events)
    {
        public string Uid { get; } = uid;

        public ObjectEvents Events { get; } = events;

        /// <summary>Whether it is known what earlier leaders have told.</summary>
        public bool IsSeen { get; set; }

        /// <summary>The status that this leader has given it; null if that is not known.</summary>
        public EgressIPStatus? Written { get; set; }

        /// <summary>Whether a write may have succeeded, or may still succeed, that was not answered.</summary>
        public bool IsUnanswered { get; set; }

        /// <summary>When a status without news was written last; null if never.</summary>
        public long? RepeatedAt { get; set; }

        /// <summary>Whether such a status waits for its time.</summary>
        public bool IsToRepeat { get; set; }
    }
}
