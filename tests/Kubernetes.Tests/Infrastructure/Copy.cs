using System.Collections.Concurrent;
using System.Diagnostics;
using ApiServer;
using Microsoft.Extensions.Time.Testing;

namespace Kubernetes.Tests.Infrastructure;

/// <summary>A reflector of nodes at work. Its pauses go by another clock, which goes on while a test waits.</summary>
internal sealed class Copy : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _end = new();

    private readonly KubernetesApi _api;

    private readonly ConcurrentQueue<string> _changes = [];

    private readonly ConcurrentQueue<string> _known = [];

    private readonly LogLines _lines = new();

    private readonly FakeTimeProvider _clock;

    // With a clock, limits of requests go by it too; without one, by real time.
    public Copy(Uri server, FakeTimeProvider? clock = null, TokenFile? token = null)
    {
        _clock = clock ?? new FakeTimeProvider();
        _api = Clients.Of(server, "test", clock, token);
        Reflector = new Reflector<string>(
            _api, Resource.Nodes, Selection.All, Read, _lines.Log, _clock);
        Reflector.Changed += change => _changes.Enqueue($"{change.Before}>{change.After}");
        Run = Reflector.RunAsync(_end.Token);
    }

    public Copy(KubeApiServer server, FakeTimeProvider? clock = null, TokenFile? token = null)
        : this(server.Url, clock, token)
    {
    }

    public Reflector<string> Reflector { get; }

    public Task Run { get; }

    public bool IsSynced => Reflector.Synced.IsCompleted;

    /// <summary>All that the copy has: <c>a=1 b=2</c>.</summary>
    public string Text => string.Join(' ', Reflector.Objects.Order(StringComparer.Ordinal));

    /// <summary>All changes so far: <c>>a=1</c>, <c>a=1>a=2</c>, <c>a=2></c>.</summary>
    public string[] Changes => [.. _changes];

    /// <summary>For each object that was read, what was kept of it before; empty: nothing.</summary>
    public string[] Known => [.. _known];

    public string[] Warnings => _lines.Warnings;

    /// <summary>How long the copy has worked, by its clock.</summary>
    public TimeSpan Time => _clock.GetUtcNow() - _clock.Start;

    public static async Task<Copy> SyncedAsync(KubeApiServer server, FakeTimeProvider? clock = null)
    {
        var copy = new Copy(server, clock);
        await copy.UntilAsync(() => copy.IsSynced && server.WatchCount == 1);
        return copy;
    }

    /// <summary>Waits until the copy is as the server is.</summary>
    public Task UntilSameAsync(KubeApiServer server) => UntilAsync(() => Text == server.Text(), () => $"{Text}\nand not\n{server.Text()}");

    /// <summary>Waits; meanwhile the clock of the copy goes on, faster than the real time.</summary>
    public async Task UntilAsync(Func<bool> condition, Func<string>? otherwise = null)
    {
        long began = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < _limit, otherwise?.Invoke() ?? string.Join('\n', [Text, .. Warnings]));
            Assert.False(Run.IsCompleted, Run.Exception?.ToString());
            await Task.Delay(5);
            _clock.Advance(TimeSpan.FromSeconds(0.1));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Run.WaitAsync(_limit));
        _api.Dispose();
        _end.Dispose();
    }

    private string Read(System.Text.Json.JsonElement node, string? known)
    {
        _known.Enqueue(known ?? "");
        return Nodes.Read(node);
    }
}
