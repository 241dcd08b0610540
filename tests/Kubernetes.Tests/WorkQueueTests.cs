using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace Kubernetes.Tests;

public sealed class WorkQueueTests : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource _end = new();

    private readonly FakeTimeProvider _clock = new();

    private readonly ConcurrentQueue<(string Key, TimeSpan Pause)> _failures = [];

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    [Fact]
    public async Task A_key_that_is_added_often_is_worked_on_once()
    {
        var queue = new WorkQueue<string>(_clock);
        for (int time = 0; time < 100; time++)
        {
            queue.Add("a");
        }

        var worked = new ConcurrentQueue<string>();
        queue.Add("b");
        Assert.Equal(2, queue.Length);
        Run(queue, workers: 1, key => worked.Enqueue(key));
        await UntilAsync(() => worked.Contains("b"));
        Assert.Equal(["a", "b"], worked);
        Assert.Equal(0, queue.Length);
    }

    [Fact]
    public async Task A_key_that_is_added_during_its_work_is_worked_on_again_but_never_twice_at_a_time()
    {
        var queue = new WorkQueue<string>(_clock);
        int running = 0, most = 0, runs = 0;
        using var gate = new SemaphoreSlim(0);
        _ = queue.RunAsync(4, async (_, token) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await gate.WaitAsync(token);
            Interlocked.Decrement(ref running);
            Interlocked.Increment(ref runs);
        }, OnFailure, _end.Token);
        queue.Add("a");
        await UntilAsync(() => Volatile.Read(ref running) == 1);
        queue.Add("a");
        queue.Add("a");
        gate.Release(2);
        await UntilAsync(() => Volatile.Read(ref runs) == 2);
        Assert.Equal(1, most);
        Assert.Equal(0, queue.Length);
    }

    [Fact]
    public async Task Keys_do_not_wait_for_each_other()
    {
        var queue = new WorkQueue<string>(_clock);
        var worked = new ConcurrentQueue<string>();
        _ = queue.RunAsync(2, async (key, token) =>
        {
            await Task.Delay(key == "slow" ? Timeout.InfiniteTimeSpan : TimeSpan.Zero, token);
            worked.Enqueue(key);
        }, OnFailure, _end.Token);
        queue.Add("slow");
        queue.Add("a");
        queue.Add("b");
        await UntilAsync(() => worked.Count == 2);
        Assert.Equal(["a", "b"], worked);
    }

    [Fact]
    public async Task What_fails_is_tried_again_after_pauses_that_grow_until_it_succeeds()
    {
        var queue = new WorkQueue<string>(_clock);
        int attempts = 0;
        Run(queue, workers: 1, _ =>
        {
            attempts++;
            if (attempts is <= 10 or 12)
            {
                throw new InvalidOperationException("no");
            }
        });
        queue.Add("a");
        await UntilAsync(() => Volatile.Read(ref attempts) >= 11, TimeSpan.FromSeconds(1));
        queue.Add("a");
        await UntilAsync(() => Volatile.Read(ref attempts) >= 13, TimeSpan.FromSeconds(1));

        double[] pauses = [.. _failures.Select(failure => failure.Pause.TotalSeconds)];
        Assert.Equal(11, pauses.Length);
        double[] least = [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10, 10, 0.2];
        Assert.All(pauses.Zip(least), pair => Assert.InRange(pair.First, pair.Second, pair.Second * 1.5));
    }

    [Fact]
    public async Task A_key_that_is_added_during_a_pause_waits_for_its_end()
    {
        var queue = new WorkQueue<string>(_clock);
        int attempts = 0;
        Run(queue, workers: 1, key =>
        {
            if (key == "a")
            {
                queue.Add("a");
                attempts++;
                throw new InvalidOperationException("no");
            }
        });
        queue.Add("a");
        await UntilAsync(() => _failures.Count == 1 && queue.Length == 1);
        queue.Add("a");
        queue.Add("b");
        await UntilAsync(() => queue.Length == 1);
        Assert.Equal(1, attempts);
        await UntilAsync(() => Volatile.Read(ref attempts) == 2, TimeSpan.FromSeconds(0.1));
    }

    [Fact]
    public async Task A_failure_of_one_key_does_not_stop_the_others()
    {
        var queue = new WorkQueue<string>(_clock);
        var worked = new ConcurrentQueue<string>();
        Run(queue, workers: 1, key =>
        {
            if (key == "bad")
            {
                throw new InvalidOperationException("no");
            }

            worked.Enqueue(key);
        });
        queue.Add("bad");
        queue.Add("good");
        await UntilAsync(() => worked.Count == 1);
        Assert.Equal("bad", Assert.Single(_failures).Key);
    }

    [Fact]
    public async Task It_ends_when_it_is_cancelled()
    {
        var queue = new WorkQueue<string>(_clock);
        Task run = queue.RunAsync(2, (_, token) => Task.Delay(Timeout.Infinite, token), OnFailure, _end.Token);
        queue.Add("a");
        await _end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(_limit));
        Assert.Empty(_failures);
    }

    private void Run(WorkQueue<string> queue, int workers, Action<string> work) =>
        _ = queue.RunAsync(workers, (key, _) => { work(key); return Task.CompletedTask; }, OnFailure, _end.Token);

    private void OnFailure(string key, Exception failure, TimeSpan pause) => _failures.Enqueue((key, pause));

    /// <summary>Waits; meanwhile the clock of the queue goes on by steps.</summary>
    private async Task UntilAsync(Func<bool> condition, TimeSpan step = default)
    {
        using var limit = new CancellationTokenSource(_limit);
        while (!condition())
        {
            await Task.Delay(2, limit.Token);
            _clock.Advance(step);
        }
    }
}
