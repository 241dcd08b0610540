using System.Text.Json.Nodes;

namespace EgressOperator.Tests.Controller;

/// <summary>A cluster without kubelets: its API server, and objects that tests put there.</summary>
public abstract class TestCluster : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly List<ControllerProcess> _controllers = [];

    /// <summary>What may do all that the controller may do.</summary>
    internal abstract string Kubeconfig { get; }

    /// <summary>Starts a controller, which the test ends.</summary>
    internal ControllerProcess StartController()
    {
        var controller = new ControllerProcess(Kubeconfig);
        _controllers.Add(controller);
        return controller;
    }

    /// <summary>Makes an object, or changes what is given of it, its status too (RFC 7386).</summary>
    internal abstract Task ApplyAsync(JsonObject source);

    internal abstract Task DeleteAsync(string resource, string name, string? space = null);

    internal abstract Task<IReadOnlyList<JsonObject>> AllAsync(string resource);

    public abstract ValueTask DisposeAsync();

    /// <summary>An object, which must be there.</summary>
    internal async Task<JsonObject> GetAsync(string resource, string name) =>
        (await AllAsync(resource)).Single(one => (string?)one["metadata"]!["name"] == name);

    /// <summary>Waits until an EgressIP has these items, written as <c>address@node</c>, and the condition has this reason.</summary>
    internal async Task UntilAsync(string name, string[] items, string? reason = null)
    {
        JsonObject? seen = null;
        await UntilAsync(
            async () =>
            {
                seen = (await AllAsync("egressips")).FirstOrDefault(one => (string?)one["metadata"]!["name"] == name);
                return seen?["status"] is not null && ItemsOf(seen).SequenceEqual(items) && (reason is null || ReasonOf(seen) == reason);
            },
            () => $"EgressIP {name} should have {string.Join(' ', items)} {reason}, but is {seen?.ToJsonString()}");
    }

    /// <summary>Waits until something holds.</summary>
    internal async Task UntilAsync(Func<Task<bool>> holds, Func<string> what)
    {
        DateTime end = DateTime.UtcNow + _limit;
        while (!await holds())
        {
            // A controller that has failed is not waited for.
            Assert.True(
                DateTime.UtcNow < end && _controllers.All(one => !one.HasFailed),
                $"{what()}\n{string.Join("\n\n", _controllers.Select(one => one.Log))}");
            await Task.Delay(20);
        }
    }

    /// <summary>The events of EgressIPs, as <c>name: reason</c>, in order of time.</summary>
    internal async Task<string[]> EventsAsync() =>
        [.. (await AllAsync("events")).Where(one => (string?)one["involvedObject"]!["kind"] == "EgressIP")
            .OrderBy(one => (string)one["metadata"]!["name"]!, StringComparer.Ordinal)
            .Select(one => $"{one["involvedObject"]!["name"]}: {one["reason"]}")];

    internal static string[] ItemsOf(JsonObject egressIP) =>
        [.. (egressIP["status"]?["items"]?.AsArray() ?? []).Select(item => $"{item!["egressIP"]}@{item["node"]}")];

    internal static string? ReasonOf(JsonObject egressIP) =>
        (egressIP["status"]?["conditions"]?.AsArray() ?? []).Where(one => (string?)one!["type"] == "Assigned")
            .Select(one => (string?)one!["reason"]).FirstOrDefault();
}
