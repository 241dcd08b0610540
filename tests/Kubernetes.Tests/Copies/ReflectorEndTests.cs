using System.Collections.Concurrent;
using System.Diagnostics;
using ApiServer;
using Kubernetes.Tests.Infrastructure;

namespace Kubernetes.Tests.Copies;

/// <summary>Alone, because an exception that nobody observed does not tell whose it is.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneGroup
{
    public const string Name = "alone";
}

[Collection(AloneGroup.Name)]
public sealed class ReflectorEndTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<Exception> _unobserved = [];

    private KubeApiServer _server = null!;

    public async Task InitializeAsync()
    {
        TaskScheduler.UnobservedTaskException += OnUnobserved;
        _server = await KubeApiServer.Start();
    }

    public async Task DisposeAsync()
    {
        TaskScheduler.UnobservedTaskException -= OnUnobserved;
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("list")]
    [InlineData("page")]
    [InlineData("pause")]
    [InlineData("watch without an answer")]
    [InlineData("watch")]
    [InlineData("mute watch")]
    [InlineData("question for the state")]
    public async Task It_ends_at_once_in_each_of_its_waits(string wait)
    {
        await EndAsync(wait);
        await Task.Delay(50);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Empty(_unobserved);
    }

    private async Task EndAsync(string wait)
    {
        using var end = new CancellationTokenSource();
        using KubernetesApi api = Clients.Of(_server);
        var lines = new LogLines();
        var reflector = new Reflector<string>(
            api, Resource.Nodes, Selection.All, (node, _) => Nodes.Read(node), lines.Log, TimeProvider.System);
        Func<bool> isWaiting = Arrange(wait, lines);
        Task run = reflector.RunAsync(end.Token);
        await UntilAsync(isWaiting);
        int told = lines.Warnings.Length;

        long began = Stopwatch.GetTimestamp();
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 3);
        Assert.True(run.IsCanceled);
        Assert.Equal(told, lines.Warnings.Length);
    }

    private Func<bool> Arrange(string wait, LogLines lines)
    {
        switch (wait)
        {
            case "list":
                return HasHappened(_server.Add(Fault.Silence, Nodes.IsList));
            case "page":
                for (int number = 0; number < 501; number++)
                {
                    _server.Put($"n{number}", number);
                }

                return HasHappened(_server.Add(Fault.Silence, request => request.Query.ContainsKey("continue")));
            case "pause":
                _server.Add(Fault.Answer(500, TimeSpan.FromSeconds(30)), Nodes.IsWatch);
                return () => lines.Warnings.Length == 1;
            case "watch without an answer":
                return HasHappened(_server.Add(Fault.Silence, Nodes.IsWatch));
            case "watch":
                return () => _server.WatchCount == 1;
            case "mute watch":
                return () =>
                {
                    _server.MuteWatches();
                    return _server.WatchCount == 1;
                };
            default:
                _server.Add(Fault.CutBefore, Nodes.IsWatch);
                return HasHappened(_server.Add(Fault.Silence, request => request.Verb == "list" && !Nodes.IsList(request)));
        }
    }

    private static Func<bool> HasHappened(FaultRule rule) => () => rule.Count == 1;

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs arguments) => _unobserved.Enqueue(arguments.Exception);
}
