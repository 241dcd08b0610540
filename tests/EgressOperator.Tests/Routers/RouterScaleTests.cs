using System.Diagnostics;
using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;
using Shared;

namespace EgressOperator.Tests.Routers;

/// <summary>Many EgressRouters.</summary>
public sealed class RouterScaleTests
{
    private const int Routers = 500;

    [Fact]
    public async Task Five_hundred_are_made_by_one_write_for_each_object()
    {
        await using OwnCluster cluster = await OwnCluster.StartAsync();
        for (int index = 0; index < Routers; index++)
        {
            cluster.Server.Apply(RouterSamples.Router($"er{index}", $"10.1.{index / 250}.{(index % 250) + 1}/16"));
        }

        using ControllerProcess controller = cluster.StartController().UntilItLeads();
        long began = Stopwatch.GetTimestamp();
        int made = 0;
        await cluster.UntilAsync(
            async () =>
            {
                // To look is work for the server too.
                await Task.Delay(200);
                return (made = cluster.Server.All("egressrouters").Count(HasConditions)) == Routers;
            },
            () => $"{made} are made");
        Figures.Note($"EgressRouters from cold, {Routers}: {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");
        foreach (string resource in (string[])["network-attachment-definitions", "services", "deployments"])
        {
            Assert.Equal(Routers, cluster.Server.All(resource).Count);
            Assert.Equal(Routers, cluster.Server.Requests.Count(request => request.Verb == "apply" && request.Resource == resource));
        }

        Assert.Empty(await cluster.EventsAsync("EgressRouter"));
    }

    private static bool HasConditions(JsonObject router) => router["status"]?["conditions"] is JsonArray { Count: 3 };
}
