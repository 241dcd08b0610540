using System.Text.Json.Nodes;
using ApiServer;

namespace EgressOperator.Tests.Controller;

/// <summary>A cluster that changes while something goes wrong between the controller and the API server.</summary>
public abstract class ChangingCluster : IAsyncLifetime
{
    private OwnCluster? _own;

    private protected OwnCluster Cluster => _own ?? throw new InvalidOperationException("not started");

    private protected KubeApiServer Server => Cluster.Server;

    public async Task InitializeAsync()
    {
        _own = await OwnCluster.StartAsync();
        Server.Apply(Samples.Node("n1", 12));
        Server.Apply(Samples.Node("n2", 51));
        Server.Apply(Samples.Node("n3", 53));
        Server.Apply(Samples.EgressIP("e", "192.168.126.10", "192.168.126.102"));
        Server.Apply(Samples.Namespace("prod", "prod"));
        Server.Apply(Samples.Pod("prod", "p", "n3", "10.244.3.5"));
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    /// <summary>Assigns, then changes the cluster, and checks the end, the events, and that no address ever had two owners.</summary>
    private protected async Task ChangeAsync(Action? meanwhile = null, Action? before = null)
    {
        using var end = new CancellationTokenSource();
        Task<string?> watching = WatchAsync(end.Token);
        using ControllerProcess controller = Cluster.StartController();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1", "192.168.126.102@n2"], "AllAssigned");
        before?.Invoke();
        Server.Apply(Samples.EgressIP("f", "192.168.126.10"));
        meanwhile?.Invoke();
        await Cluster.UntilAsync("f", [], "NoneAssigned");
        await UntilEventAsync("f: UnsupportedRequest");
        Server.Apply(Samples.Label("n1", null));
        await Cluster.UntilAsync("e", ["192.168.126.10@n3", "192.168.126.102@n2"], "AllAssigned");
        await UntilEventAsync("e: Reassigned");
        Server.Apply(Samples.EgressIP("e", "192.168.126.102"));
        await Cluster.UntilAsync("f", ["192.168.126.10@n3"], "AllAssigned");
        await Cluster.UntilAsync("e", ["192.168.126.102@n2"], "AllAssigned");
        string[] events = [];
        await Cluster.UntilAsync(async () => (events = await Cluster.EventsAsync()).Length >= 3, () => string.Join(", ", events));
        Assert.Equal(0, controller.Terminate());
        Assert.Equal(["e: Reassigned", "f: UndefinedRequest", "f: UnsupportedRequest"], (await Cluster.EventsAsync()).Order());
        await end.CancelAsync();
        Assert.Null(await watching);
    }

    /// <summary>Waits for an event: it is not told if what it tells is over before.</summary>
    private Task UntilEventAsync(string wanted)
    {
        string[] events = [];
        return Cluster.UntilAsync(
            async () => (events = await Cluster.EventsAsync()).Contains(wanted), () => $"{wanted} is missing: {string.Join(", ", events)}");
    }

    /// <summary>Looks for an address that two EgressIPs have, until it is cancelled.</summary>
    private async Task<string?> WatchAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            IReadOnlyList<JsonObject> all = Server.All("egressips");
            if (all.SelectMany(TestCluster.ItemsOf).GroupBy(item => item.Split('@')[0]).FirstOrDefault(group => group.Count() > 1)
                is IGrouping<string, string> twice)
            {
                return string.Join(' ', twice);
            }

            await Task.Delay(2, CancellationToken.None);
        }

        return null;
    }
}
