using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Runtime.ExceptionServices;
using System.Text.Json.Nodes;
using EgressOperator.Controller;
using Kubernetes;
using Serilog;

namespace EgressOperator.Routers;

/// <summary>
/// The work of the leader: whatever changes of an EgressRouter or of what is made of it makes it work of a queue, whose workers compare
/// and write.
/// </summary>
internal sealed class RouterTerm
{
    private const int Workers = 8;

    /// <summary>How often a status is written at most if only the message of a pod that fails is another.</summary>
    private static readonly TimeSpan _repeating = TimeSpan.FromSeconds(30);

    /// <summary>A server that fails for a moment is not told of; a webhook that nobody answers is.</summary>
    private const int FailuresUntold = 2;

    /// <summary>An object with the name of a router that is not of it is not watched.</summary>
    private static readonly TimeSpan _lookingAgain = TimeSpan.FromSeconds(15);

    private readonly RouterContext _context;

    private readonly LeaderElection _election;

    private readonly RouterObjectWriter _writer;

    private readonly AddressUse _use = new();

    private readonly WorkQueue<string> _queue;

    private readonly DeclaredField _generation;

    private readonly ConcurrentDictionary<string, RouterState> _states = [];

    public RouterTerm(RouterContext context, LeaderElection election)
    {
        (_context, _election) = (context, election);
        _queue = new WorkQueue<string>(context.Clock);
        _writer = new RouterObjectWriter(context, election);
        _generation = new DeclaredField(
            context.Api, RouterResources.EgressRouters, "status.conditions.observedGeneration", context.Log);
    }

    private RouterCache Cache => _context.Cache;

    private ILogger Log => _context.Log;

    public async Task RunAsync(CancellationToken cancellation)
    {
        await _generation.LookUpAsync(cancellation);
        _use.Affected += _queue.Add;
        Cache.Changed += _queue.Add;
        // All claims are known before the first one is decided on: the oldest wins.
        Cache.Attachments.Subscribe(OnAttachmentChanged);
        Cache.Routers.Subscribe(OnRouterChanged);
        _context.Metrics.BeginTerm(() => Cache.Routers.Objects);
        try
        {
            await _queue.RunAsync(Workers, WorkAsync, OnFailure, cancellation);
        }
        finally
        {
            Cache.Routers.Changed -= OnRouterChanged;
            Cache.Attachments.Changed -= OnAttachmentChanged;
            Cache.Changed -= _queue.Add;
            _context.Metrics.EndTerm();
        }
    }

    private void OnAttachmentChanged(Change<MadeObject?> change) =>
        _use.Has(change.Key, change.After is { IsMade: true } attachment ? attachment.Addresses : []);

    private void OnRouterChanged(Change<WatchedRouter?> change)
    {
        if (change.After is not WatchedRouter after)
        {
            _use.Gone(change.Key);
            _states.TryRemove(change.Key, out _);
            return;
        }

        _use.Want(change.Key, after.Created, after.Rendered.Faults.IsEmpty ? after.Rendered.Addresses : []);
        _queue.Add(change.Key);
    }

    private void OnFailure(string key, Exception failure, TimeSpan pause)
    {
        WriteFailure.Log(Log, $"EgressRouter {key}", failure, pause);
        _context.Metrics.CountFailure();
    }

    private async Task WorkAsync(string key, CancellationToken cancellation)
    {
        if (Cache.Routers.Find(key) is not (_, WatchedRouter { IsDeleted: false } router))
        {
            return;
        }

        RouterState state = _states.AddOrUpdate(
            key, _ => new RouterState(router), (_, known) => known.Uid == router.Meta.Uid ? known : new RouterState(router));
        Obstacle? obstacle;
        ApiException? refusal = null;
        try
        {
            obstacle = await MakeAsync(router, state, cancellation);
        }
        catch (ApiException failure) when (IsRefusal(failure) || (!failure.IsConflict && state.Failures >= FailuresUntold))
        {
            refusal = failure;
            obstacle = new Obstacle(RouterConditions.Refused, failure.Message);
        }
        catch (ApiException failure) when (!failure.IsConflict)
        {
            state.Failures++;
            throw;
        }

        await TellAsync(router, state, obstacle, cancellation);
        if (Cache.Routers.Find(key) is null)
        {
            // Deleted during this work.
            _states.TryRemove(key, out _);
        }

        if (refusal is not null)
        {
            // So that it is tried again, after growing pauses.
            ExceptionDispatchInfo.Throw(refusal);
        }

        state.Failures = 0;
    }

    private static bool IsRefusal(ApiException failure) => failure.Code is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden
        or HttpStatusCode.NotFound or HttpStatusCode.UnprocessableEntity;

    /// <summary>Makes what the EgressRouter asks for.</summary>
    /// <returns>Why not; null if all is there.</returns>
    private async Task<Obstacle?> MakeAsync(WatchedRouter router, RouterState state, CancellationToken cancellation)
    {
        string key = router.Meta.Key;
        if (!router.Rendered.Faults.IsEmpty)
        {
            return new Obstacle("InvalidSpec", string.Join("; ", router.Rendered.Faults));
        }

        // All are looked at before the first one is written: either all are made, or none.
        ImmutableArray<RenderedObject> objects = router.Rendered.Objects;
        MadeObject?[] found = await Task.WhenAll(objects.Select(one => _writer.FindAsync(one.Kind, router.Meta, cancellation)));
        foreach ((RenderedObject wanted, MadeObject? there) in objects.Zip(found))
        {
            string what = $"{wanted.Kind.Kind} {router.Meta.Name}";
            if (there is null)
            {
                continue;
            }

            if (!there.IsMade)
            {
                Later(key, state, _lookingAgain, cancellation);
                return new Obstacle("NameTaken", $"{what} exists and is not of this EgressRouter");
            }

            if (there.IsDeleted || !there.IsOf(router.Meta))
            {
                Later(key, state, _lookingAgain, cancellation);
                return new Obstacle("WaitsForDeletion", $"an old {what} is not gone yet", IsPassing: true);
            }
        }

        if (_use.Take(key) is (IPAddress address, string user))
        {
            return new Obstacle("AddressInUse", $"{address} belongs to EgressRouter {user}");
        }

        if (router.Rendered.IsPair)
        {
            Later(key, state, await _writer.MakeKeyAsync(router.Meta, state, cancellation), cancellation);
        }

        ILookup<bool, (RenderedObject, MadeObject?)> parts =
            objects.Zip(found).ToLookup(one => RouterResources.NeedingOthers.Contains(one.First.Kind));
        await Task.WhenAll(parts[false].Select(MakeAsync));
        foreach ((RenderedObject, MadeObject?) last in parts[true])
        {
            await MakeAsync(last);
        }

        return null;

        async Task MakeAsync((RenderedObject Wanted, MadeObject? There) one)
        {
            if (await _writer.MakeAsync(router.Meta, state, one.Wanted, one.There, cancellation) is TimeSpan pause)
            {
                Later(key, state, pause, cancellation);
            }
        }
    }

    /// <summary>Writes the status if it is not as it should be, and tells of what has gone wrong.</summary>
    private async Task TellAsync(WatchedRouter router, RouterState state, Obstacle? obstacle, CancellationToken cancellation)
    {
        string key = router.Meta.Key;
        ImmutableArray<RouterCondition> wanted = RouterConditions.Of(
            _generation.IsDeclared ? router : router with { Generation = null }, obstacle,
            Cache.Find(RouterResources.Deployments, key)?.Rollout, Cache.PodsOf(key), Cache.FailureOf, _context.Clock.GetUtcNow());
        if (!RouterConditions.Say(router.Conditions, wanted))
        {
            if (!RouterConditions.IsNews(router.Conditions, wanted) && state.ToldAt is long at
                && _repeating - _context.Clock.GetElapsedTime(at) is TimeSpan wait && wait > TimeSpan.Zero)
            {
                Later(key, state, wait, cancellation);
                return;
            }

            await WriteStatusAsync(router.Meta, wanted, cancellation);
            state.ToldAt = _context.Clock.GetTimestamp();
        }

        RouterCondition degraded = wanted.Single(one => one.Type == RouterConditions.Degraded);
        if (degraded.Status && !RouterConditions.IsRepetition(degraded, state.Told))
        {
            await _writer.TellAsync(router.Meta, "Warning", degraded.Reason, degraded.Message, cancellation);
        }

        state.Told = degraded;
    }

    private async Task WriteStatusAsync(ObjectMeta router, ImmutableArray<RouterCondition> conditions, CancellationToken cancellation)
    {
        await _election.UntilLeaderAsync(cancellation);
        // The version fences the write: it fails if the object is not as it was when this was decided.
        var source = new JsonObject
        {
            ["apiVersion"] = RouterResources.EgressRouters.ApiVersion,
            ["kind"] = RouterResources.EgressRouters.Kind,
            ["metadata"] = new JsonObject
            {
                ["name"] = router.Name,
                ["namespace"] = router.Namespace,
                ["uid"] = router.Uid,
                ["resourceVersion"] = router.ResourceVersion,
            },
            ["status"] = new JsonObject { ["conditions"] = new JsonArray([.. conditions.Select(one => one.ToJson())]) },
        };
        try
        {
            Cache.Routers.Observe(await _context.Api.ApplyAsync(
                RouterResources.EgressRouters, router.Namespace, router.Name, "status", source, RouterLabels.Manager, force: true,
                cancellation));
            _context.Metrics.CountWrite();
        }
        catch (ApiException failure)
        {
            await _generation.LookUpAfterAsync(failure, cancellation);
            throw;
        }
    }

    /// <summary>Looks at an EgressRouter again after a time, unless it will be looked at before.</summary>
    private void Later(string key, RouterState state, TimeSpan pause, CancellationToken cancellation)
    {
        long time = _context.Clock.GetTimestamp() + (long)(pause.TotalSeconds * _context.Clock.TimestampFrequency);
        if (state.LooksAgainAt is not long known || time < known)
        {
            state.LooksAgainAt = time;
            _ = LookAgainAsync();
        }

        async Task LookAgainAsync()
        {
            await Task.Delay(pause, _context.Clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (state.LooksAgainAt == time)
            {
                state.LooksAgainAt = null;
            }

            _queue.Add(key);
        }
    }
}

/// <summary>What a leader remembers of an EgressRouter.</summary>
/// <param name="router">As it is when this leader first works on it.</param>
internal sealed class RouterState(WatchedRouter router)
{
    public string Uid { get; } = router.Meta.Uid;

    /// <summary>The condition Degraded that was told as an event. What is in the status was told by an earlier leader.</summary>
    public RouterCondition? Told { get; set; } = router.Conditions.FirstOrDefault(one => one.Type == RouterConditions.Degraded);

    /// <summary>What has been made: of each kind the hash, when it was written last, and the version that it then had.</summary>
    public ConcurrentDictionary<Resource, (string Hash, long At, string Version)> Made { get; } = [];

    /// <summary>When the Secret of a pair was known to be there; null if never.</summary>
    public long? KeySeenAt { get; set; }

    /// <summary>Attempts that have failed one after the other, other than by a refusal.</summary>
    public int Failures { get; set; }

    /// <summary>When it was told last that an object of a kind was put back.</summary>
    public ConcurrentDictionary<Resource, long> RestoredAt { get; } = [];

    /// <summary>When the status was written last; null if never.</summary>
    public long? ToldAt { get; set; }

    /// <summary>When it is looked at again at the latest; null if that was not asked for.</summary>
    public long? LooksAgainAt { get; set; }
}
