using System.Text.Json;
using Kubernetes;

namespace EgressOperator.Hold;

/// <summary>Reads and writes the Lease of a pair, as <see cref="PairState"/> wants it.</summary>
internal sealed class LeaseKeeper(HoldContext context, Holder holder) : IDisposable
{
    private const int MostTold = 5;

    private static readonly TimeSpan _longestRelease = TimeSpan.FromSeconds(1);

    private readonly ElectionLease _lease = new(context.Api, context.Namespace, context.Name, context.Clock);

    private readonly SemaphoreSlim _urgent = new(initialCount: 0);

    /// <summary>The Lease as the server had it last; null if there is none.</summary>
    private JsonElement? _current;

    /// <summary>Whether nothing that was asked since can have changed it.</summary>
    private bool _isKnown;

    /// <summary>What has failed since the Lease was reached last.</summary>
    private readonly HashSet<string> _told = [];

    /// <summary>Told when this pod has given the Lease up.</summary>
    public event Action? Released;

    /// <summary>Looks at once: something is to be written, or the peer has let go.</summary>
    public void Hurry() => _urgent.Release();

    /// <summary>Works until it is stopped. Then it gives the Lease up, if this pod has it.</summary>
    /// <param name="hasLetGo">Ends when the addresses are removed.</param>
    public async Task RunAsync(Task hasLetGo, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            TimeSpan began = context.Now;
            await AttemptAsync();
            // Of many hurries one is enough.
            TimeSpan pause = NextAttempt(began) - context.Now;
            if (await _urgent.WaitAsync(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, CancellationToken.None))
            {
                while (await _urgent.WaitAsync(TimeSpan.Zero, CancellationToken.None))
                {
                }
            }
        }

        await hasLetGo;
        TimeSpan end = context.Now + _longestRelease;
        while (IsMine && context.Now < end)
        {
            await AttemptAsync();
            await Task.Delay(IsMine ? context.Timing.Beat / 2 : TimeSpan.Zero, context.Clock, CancellationToken.None);
        }
    }

    public void Dispose() => _urgent.Dispose();

    private bool IsMine
    {
        get
        {
            PairState state = holder.State;
            return state.LeaseHolder == state.Identity;
        }
    }

    /// <summary>A Lease that is not renewed is looked at in the moment in which it may be taken.</summary>
    private TimeSpan NextAttempt(TimeSpan last)
    {
        PairState state = holder.State;
        TimeSpan next = last + (state.IsApiAway ? context.Timing.Beat : IsMine ? context.Timing.Renew : context.Timing.Look);
        return state.FreeAt > last && state.FreeAt < next ? state.FreeAt : next;
    }

    private async Task AttemptAsync()
    {
        if (holder.IsStuck)
        {
            Tell("it is not renewed: the thread that holds the addresses is stuck");
            return;
        }

        bool reads = !_isKnown || !IsMine;
        try
        {
            if (reads)
            {
                _current = await LimitedAsync(_lease.ReadAsync);
                (_isKnown, reads) = (true, false);
                holder.Change((state, now) => state.Saw(
                    _current is JsonElement there ? VersionOf(there) : null,
                    _current is JsonElement lease ? ElectionLease.HolderOf(lease) : null,
                    PairTiming.RespectOf(_current?.Object("spec")?.Number("leaseDurationSeconds") ?? 0),
                    now));
            }

            PairState state = holder.State;
            TimeSpan from = context.Now;
            if (state.WantsRelease(from))
            {
                holder.Change((before, _) => before.Releasing());
                string version = await WriteAsync(identity: null, TimeSpan.FromSeconds(1));
                holder.Change((before, now) => before.Released(version, now));
                Released?.Invoke();
            }
            else if (state.WantsLease(from))
            {
                string version = await WriteAsync(state.Identity, context.Lease);
                holder.Change((before, now) => before.Renewed(from, version, now));
            }

            Tell(failure: null);
        }
        catch (ApiException failure) when (failure.IsConflict || failure.IsNotFound)
        {
            // The other was quicker, or the Lease was deleted: the next attempt sees.
            _isKnown = false;
            holder.Change((state, now) => state.Answered(now));
        }
        catch (Exception failure) when (failure is ApiException or OperationCanceledException)
        {
            _isKnown = false;
            holder.Change((state, now) => state.Failed(isRead: reads, now));
            Tell(failure is ApiException ? failure.Message : $"no answer within {context.Timing.Late.TotalSeconds:0.0} s");
        }
    }

    private async Task<string> WriteAsync(string? identity, TimeSpan duration)
    {
        // Until there is an answer, nobody knows whether it was written.
        _isKnown = false;
        JsonElement written = await LimitedAsync(limit => _lease.WriteAsync(_current, identity, duration, limit));
        (_current, _isKnown) = (written, true);
        return VersionOf(written);
    }

    private async Task<T> LimitedAsync<T>(Func<CancellationToken, Task<T>> request)
    {
        using var limit = new CancellationTokenSource(context.Timing.Late, context.Clock);
        return await request(limit.Token);
    }

    private static string VersionOf(JsonElement lease) => ObjectMeta.Of(lease).ResourceVersion;

    /// <summary>Logs each new failure once, and that it is over.</summary>
    private void Tell(string? failure)
    {
        bool isNews = failure is null ? _told.Count > 0 : _told.Count < MostTold && _told.Add(failure);
        if (isNews)
        {
            context.Log.Warning(
                "the Lease {Namespace:l}/{Name:l}: {Failure:l}", [context.Namespace, context.Name, failure ?? "it is reached again"]);
        }

        if (failure is null)
        {
            _told.Clear();
        }
    }
}
