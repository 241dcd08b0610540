using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;

namespace EgressOperator.Tests.Routers;

/// <summary>Tests of what the controller makes of EgressRouters, on one of the API servers.</summary>
public abstract class RouterTests : IAsyncLifetime
{
    protected const string Attachments = "network-attachment-definitions";

    private TestCluster? _cluster;

    protected TestCluster Cluster => _cluster ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync() => _cluster = await StartAsync();

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    /// <summary>Starts the cluster: the definitions of packaging/operator and of Multus.</summary>
    protected abstract Task<TestCluster> StartAsync();

    protected async Task<JsonObject?> FindAsync(string resource, string name) =>
        (await Cluster.AllAsync(resource)).FirstOrDefault(one => (string?)one["metadata"]!["name"] == name);

    protected Task<JsonObject> MadeAsync(string resource, string name) => Cluster.GetAsync(resource, name);

    /// <summary>What the cluster does: the pod runs, and has these addresses.</summary>
    protected async Task RunAsync(string name, params string[] addresses)
    {
        JsonObject deployment = await MadeAsync("deployments", name);
        await Cluster.ApplyAsync(RouterSamples.RunningPod(deployment, addresses));
        await Cluster.ApplyAsync(RouterSamples.Status(deployment, available: 1));
    }

    protected Task UntilAsync(string name, string type, string status, string? reason = null, string message = "")
    {
        JsonNode? seen = null;
        return Cluster.UntilAsync(
            async () =>
            {
                seen = (await FindAsync("egressrouters", name))?["status"];
                JsonNode? condition = seen?["conditions"]?.AsArray().FirstOrDefault(one => (string?)one!["type"] == type);
                return (string?)condition?["status"] == status && (reason is null || (string?)condition["reason"] == reason)
                    && ((string)condition["message"]!).Contains(message, StringComparison.Ordinal);
            },
            () => $"EgressRouter {name} should have {type} {status} {reason} {message}, but has {seen?.ToJsonString()}");
    }

    /// <summary>The events of EgressRouters, as <c>name: reason</c>, in order of time.</summary>
    protected async Task<string[]> EventsAsync() => await Cluster.EventsAsync("EgressRouter");

    protected async Task UntilEventsAsync(params string[] wanted)
    {
        string[] seen = [];
        await Cluster.UntilAsync(async () => (seen = await EventsAsync()).SequenceEqual(wanted), () => string.Join(", ", seen));
    }
}
