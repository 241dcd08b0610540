using System.Text.Json.Nodes;
using Shared;

namespace EgressOperator.Tests.Controller;

/// <summary>A cluster without kubelets: its API server, and objects that tests put there.</summary>
public abstract class TestCluster : IAsyncDisposable
{
    /// <summary>The definition of NetworkAttachmentDefinitions.</summary>
    internal static readonly string Multus = Repository.PathOf("testdata", "kubernetes", "network-attachment-definitions.yaml");

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly List<ControllerProcess> _controllers = [];

    /// <summary>What may do all that the controller may do.</summary>
    internal abstract string Kubeconfig { get; }

    /// <summary>Starts a controller, which the test ends.</summary>
    internal ControllerProcess StartController(params string[] more)
    {
        var controller = new ControllerProcess(Kubeconfig, more);
        _controllers.Add(controller);
        return controller;
    }

    /// <summary>Makes an object, or changes what is given of it, its status too (RFC 7386).</summary>
    internal abstract Task ApplyAsync(JsonObject source);

    /// <summary>As <see cref="ApplyAsync"/>, of a kind that may not be served yet.</summary>
    internal async Task<bool> TryApplyAsync(JsonObject source)
    {
        try
        {
            await ApplyAsync(source.DeepClone().AsObject());
            return true;
        }
        catch (Exception failure) when (failure is Xunit.Sdk.XunitException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Takes a field from the schema of a CustomResourceDefinition, until the result is disposed of.</summary>
    /// <param name="definition">Its name: <c>egressips.k8s.ovn.org</c>.</param>
    /// <param name="path">The path of the field in an object: <c>status.conditions.type</c>.</param>
    internal async Task<IAsyncDisposable> WithoutFieldAsync(string definition, string path)
    {
        const string definitions = "customresourcedefinitions";
        JsonNode versions = (await GetAsync(definitions, definition))["spec"]!["versions"]!;
        JsonNode shorter = versions.DeepClone();
        JsonNode schema = shorter[0]!["schema"]!["openAPIV3Schema"]!;
        string[] names = path.Split('.');
        foreach (string name in names[..^1])
        {
            schema = schema["properties"]![name]!;
            schema = schema["items"] ?? schema;
        }

        Assert.True(schema["properties"]!.AsObject().Remove(names[^1]), path);
        await WriteAsync(shorter);
        return new Undo(() => WriteAsync(versions));

        Task WriteAsync(JsonNode changed) => ApplyAsync(Samples.Of(
            "apiextensions.k8s.io/v1", "CustomResourceDefinition", definition,
            new JsonObject { ["spec"] = new JsonObject { ["versions"] = changed.DeepClone() } }));
    }

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
    internal async Task UntilAsync(Func<Task<bool>> holds, Func<string> what, TimeSpan? limit = null)
    {
        DateTime end = DateTime.UtcNow + (limit ?? _limit);
        while (!await holds())
        {
            // A controller that has failed is not waited for.
            Assert.True(
                DateTime.UtcNow < end && _controllers.All(one => !one.HasFailed),
                $"{what()}\n{string.Join("\n\n", _controllers.Select(one => one.Log))}");
            await Task.Delay(20);
        }
    }

    /// <summary>The events of a kind, as <c>name: reason</c>, in order of time.</summary>
    internal async Task<string[]> EventsAsync(string kind = "EgressIP") =>
        [.. (await AllAsync("events")).Where(one => (string?)one["involvedObject"]!["kind"] == kind)
            .OrderBy(one => (string)one["metadata"]!["name"]!, StringComparer.Ordinal)
            .Select(one => $"{one["involvedObject"]!["name"]}: {one["reason"]}")];

    internal static string[] ItemsOf(JsonObject egressIP) =>
        [.. (egressIP["status"]?["items"]?.AsArray() ?? []).Select(item => $"{item!["egressIP"]}@{item["node"]}")];

    internal static string? ReasonOf(JsonObject egressIP) =>
        (egressIP["status"]?["conditions"]?.AsArray() ?? []).Where(one => (string?)one!["type"] == "Assigned")
            .Select(one => (string?)one!["reason"]).FirstOrDefault();

    private sealed class Undo(Func<Task> undo) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await undo();
    }
}
