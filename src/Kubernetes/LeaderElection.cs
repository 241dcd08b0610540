using System.Text.Json;
using Serilog;

namespace Kubernetes;

/// <summary>
/// One of several processes leads: the one whose name is in a Lease ("Leases" in the Kubernetes documentation). The leader renews it; when
/// it has not changed for its duration, as a waiting process has seen it, that one takes it.
/// </summary>
/// <remarks>
/// Clocks of different nodes are never compared. The leader counts from the start of its last renewal that succeeded and stops before
/// its lease can have ended for others; every write has the Lease's resource version, so that two can never succeed.
/// </remarks>
/// <param name="space">The Lease's namespace.</param>
/// <param name="name">The Lease's name.</param>
/// <param name="identity">The name of this process, another than that of all others.</param>
/// <param name="clock">For all waits.</param>
public sealed class LeaderElection(
    IKubernetesApi api, string space, string name, string identity, ILogger log, TimeProvider clock)
{
    /// <summary>How long a Lease is respected that its holder does not renew.</summary>
    public static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(8);

    /// <summary>How long the leader goes on without a renewal.</summary>
    public static readonly TimeSpan RenewDeadline = TimeSpan.FromSeconds(6);

    /// <summary>The time between attempts to renew or to take the Lease.</summary>
    public static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    /// <summary>A request that hangs must leave time for another.</summary>
    private static readonly TimeSpan _attemptLimit = RenewDeadline / 2;

    private static readonly TimeSpan _lookingAgain = TimeSpan.FromSeconds(0.1);

    private static readonly TimeSpan _releasePause = TimeSpan.FromSeconds(0.2);

    private const long Never = long.MinValue;

    private readonly ElectionLease _lease = new(api, space, name, clock);

    private string _seenSpec = "";

    /// <summary>When the Lease was first seen as it is, and for how long it is respected from then on.</summary>
    private long _seenAt;

    private TimeSpan _seenDuration;

    /// <summary>When the last successful renewal began.</summary>
    private long _renewedAt = Never;

    private bool _isUnanswered;

    /// <summary>Whether this process leads.</summary>
    public bool IsLeader => TimeLeft() > TimeSpan.Zero;

    /// <summary>Ends when this process leads. Asked before each write: the end of a term may be on its way to who writes.</summary>
    public async Task UntilLeaderAsync(CancellationToken cancellation)
    {
        while (!IsLeader)
        {
            // The Lease may still be renewed just in time.
            await Task.Delay(_lookingAgain, clock, cancellation);
        }
    }

    /// <summary>Whose name is in the Lease, as last seen; null if nobody's.</summary>
    public string? Holder { get; private set; }

    /// <summary>Runs <paramref name="lead"/> whenever this process leads, until it is cancelled. Then it gives the Lease up.</summary>
    /// <param name="lead">Cancelled when this process no longer leads; it must end soon then. What it throws ends the election.</param>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(lead);
        try
        {
            while (true)
            {
                if (await TryAcquireAsync(cancellation))
                {
                    log.Information("{Identity:l} leads", [identity]);
                    await LeadAsync(lead, cancellation);
                    cancellation.ThrowIfCancellationRequested();
                    log.Warning("{Identity:l} no longer leads", [identity]);
                }

                // Up to a fifth more, so that waiting processes do not ask at the same time.
                await Task.Delay(RetryPeriod * (1 + (Random.Shared.NextDouble() / 5)), clock, cancellation);
            }
        }
        finally
        {
            await ReleaseAsync();
        }
    }

    private async Task LeadAsync(Func<CancellationToken, Task> lead, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(TimeLeft(), clock);
        using var term = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        Task work = lead(term.Token);
        Task renewal = RenewAsync(deadline, term.Token);
        await Task.WhenAny(work, renewal);
        bool isOver = renewal.IsCompleted || term.IsCancellationRequested;
        await term.CancelAsync();
        try
        {
            await Task.WhenAll(work, renewal);
        }
        catch (OperationCanceledException) when (isOver)
        {
            // The work has ended as it was told to.
        }
        finally
        {
            Volatile.Write(ref _renewedAt, Never);
        }
    }

    /// <summary>Renews the Lease until the term is over, or another process has it.</summary>
    private async Task RenewAsync(CancellationTokenSource deadline, CancellationToken term)
    {
        // The time of a slow answer is a part of the period, here and below.
        TimeSpan rest = RetryPeriod - (RenewDeadline - TimeLeft());
        var pause = Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, clock, term);
        while (true)
        {
            await pause.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (term.IsCancellationRequested)
            {
                return;
            }

            pause = Task.Delay(RetryPeriod, clock, term);
            if (await TryAcquireAsync(term))
            {
                deadline.CancelAfter(TimeLeft());
            }
            else if (!IsLeader)
            {
                return;
            }
        }
    }

    private TimeSpan TimeLeft()
    {
        long renewedAt = Volatile.Read(ref _renewedAt);
        TimeSpan left = renewedAt == Never ? TimeSpan.Zero : RenewDeadline - clock.GetElapsedTime(renewedAt);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>Takes or renews the Lease. A failure of the API is logged.</summary>
    /// <returns>Whether this process leads now, by this attempt.</returns>
    private async Task<bool> TryAcquireAsync(CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(_attemptLimit, clock);
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            bool isMine = await AcquireAsync(attempt.Token);
            _isUnanswered = false;
            return isMine;
        }
        catch (Exception failure) when (failure is ApiException or OperationCanceledException)
        {
            if (!_isUnanswered && !cancellation.IsCancellationRequested)
            {
                string why = failure is ApiException ? failure.Message : $"no answer within {_attemptLimit.TotalSeconds:0} s";
                log.Warning("{Failure:l}; the Lease {Namespace:l}/{Name:l} is tried again", [why, space, name]);
                _isUnanswered = true;
            }

            return false;
        }
    }

    private async Task<bool> AcquireAsync(CancellationToken cancellation)
    {
        long began = clock.GetTimestamp();
        JsonElement? lease = await _lease.ReadAsync(cancellation);
        if (lease?.Object("spec") is JsonElement spec && spec.GetRawText() != _seenSpec)
        {
            _seenSpec = spec.GetRawText();
            _seenAt = clock.GetTimestamp();
            _seenDuration = spec.Number("leaseDurationSeconds") is int seconds ? TimeSpan.FromSeconds(seconds) : LeaseDuration;
            Holder = ElectionLease.HolderOf(lease.Value);
        }

        // Also if the Lease was deleted: its holder may not know yet.
        if (Holder is not null && Holder != identity && clock.GetElapsedTime(_seenAt) < _seenDuration)
        {
            Volatile.Write(ref _renewedAt, Never);
            return false;
        }

        try
        {
            await _lease.WriteAsync(lease, identity, LeaseDuration, cancellation);
            Holder = identity;
            Volatile.Write(ref _renewedAt, began);
            return true;
        }
        catch (ApiException failure) when (failure.IsConflict)
        {
            // Another process was quicker, or this one's own write whose answer was lost: the next attempt will see.
            return false;
        }
    }

    /// <summary>Lets another process lead at once.</summary>
    private async Task ReleaseAsync()
    {
        if (Holder != identity)
        {
            return;
        }

        using var limit = new CancellationTokenSource(RetryPeriod, clock);
        string why = "no answer";
        while (!limit.IsCancellationRequested)
        {
            try
            {
                if (await _lease.ReadAsync(limit.Token) is JsonElement lease && ElectionLease.HolderOf(lease) == identity)
                {
                    await _lease.WriteAsync(lease, holder: null, TimeSpan.FromSeconds(1), limit.Token);
                }

                return;
            }
            catch (Exception failure) when (failure is ApiException or OperationCanceledException)
            {
                // A conflict, for example with a renewal that was cancelled and that the server does nevertheless.
                why = failure is ApiException ? failure.Message : why;
                await Task.Delay(_releasePause, clock, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        log.Warning("the Lease {Namespace:l}/{Name:l} ends by itself: {Failure:l}", [space, name, why]);
    }
}
