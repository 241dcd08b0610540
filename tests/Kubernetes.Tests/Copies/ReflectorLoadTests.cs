using System.Diagnostics;
using System.Text.Json;
using ApiServer;
using Kubernetes.Tests.Infrastructure;
using Microsoft.AspNetCore.Http;

namespace Kubernetes.Tests.Copies;

/// <summary>What a reflector costs: requests and memory.</summary>
public sealed class ReflectorLoadTests
{
    [Theory]
    [InlineData("nothing")]
    [InlineData("a bookmark")]
    [InlineData("an error")]
    public async Task A_server_that_ends_each_watch_at_once_is_not_asked_without_pause(string lastWords)
    {
        await using StubServer server = await StubServer.StartAsync(http => http.Response.WriteAsync(
            !http.Request.Query.ContainsKey("watch") ? """{"metadata":{"resourceVersion":"6"},"items":[]}"""
            : lastWords == "a bookmark" ? """{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"6"}}}"""
            : lastWords == "an error" ? """{"type":"ERROR","object":{"kind":"Status","code":500}}"""
            : ""));
        using KubernetesApi api = Clients.Of(server.Url);
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        var reflector = new Reflector<string>(
            api, Resource.Nodes, Selection.All, (node, _) => Nodes.Read(node), new LogLines().Log, TimeProvider.System);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reflector.RunAsync(end.Token));
        Assert.InRange(server.Requests.Count(request => request.Target.Contains("watch=true", StringComparison.Ordinal)), 1, 4);
        Assert.InRange(server.Requests.Length, 2, 9);
    }

    [Fact]
    public async Task A_thousand_changes_cost_no_more_requests_and_nothing_old_is_kept()
    {
        await using KubeApiServer server = await KubeApiServer.Start();
        using KubernetesApi api = Clients.Of(server);
        using var end = new CancellationTokenSource();
        var kept = new List<WeakReference>();
        var reflector = new Reflector<object>(api, Resource.Nodes, Selection.All, Keep, new LogLines().Log, TimeProvider.System);
        Task run = reflector.RunAsync(end.Token);
        await reflector.Synced.WaitAsync(TimeSpan.FromSeconds(10));
        for (int value = 0; value < 1000; value++)
        {
            server.Put($"n{value % 10}", value);
        }

        await UntilAsync(() => reflector.Find("n9")?.Object.ToString() == "n9=999");
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.InRange(server.Requests.Count, 2, 4);
        Assert.InRange(kept.Count, 500, 1000);
        GC.Collect();
        Assert.InRange(kept.Count(one => one.IsAlive), 10, 15);
        GC.KeepAlive(reflector);

        object Keep(JsonElement node, object? before)
        {
            object made = new string(Nodes.Read(node));
            kept.Add(new WeakReference(made));
            return made;
        }
    }

    [Fact]
    public async Task Watches_that_end_in_time_are_followed_by_others_without_a_list_and_nothing_is_lost()
    {
        await using KubeApiServer server = await KubeApiServer.Start();
        using KubernetesApi api = Clients.Of(server);
        using var end = new CancellationTokenSource();
        var lines = new LogLines();
        var told = new List<string>();
        var reflector = new Reflector<string>(
            api, Resource.Nodes, Selection.All, (node, _) => Nodes.Read(node), lines.Log, TimeProvider.System);
        reflector.Changed += change => told.Add(change.After!);
        Task run = reflector.RunAsync(end.Token);
        await reflector.Synced.WaitAsync(TimeSpan.FromSeconds(10));
        int value = 0;
        // The longest watch, and some more.
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began).TotalSeconds < 19; await Task.Delay(2))
        {
            server.Put("a", ++value);
        }

        await UntilAsync(() => reflector.Find("a")?.Object == $"a={value}");
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(Enumerable.Range(1, value).Select(number => $"a={number}"), told);
        Assert.Equal(2, server.Watches().Length);
        Assert.Equal(3, server.Requests.Count);
        Assert.Empty(lines.Warnings);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }
}
