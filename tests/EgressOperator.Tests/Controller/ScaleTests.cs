using System.Globalization;
using System.Text.Json.Nodes;

namespace EgressOperator.Tests.Controller;

/// <summary>Many objects: what grows, and what does not.</summary>
public sealed class ScaleTests
{
    private const int Nodes = 50;

    private const int EgressIPs = 1000;

    [Fact]
    public async Task A_thousand_EgressIPs_get_their_nodes_by_one_write_each() // A49
    {
        await using OwnCluster cluster = await OwnCluster.StartAsync();
        foreach (int index in Enumerable.Range(0, Nodes))
        {
            JsonObject node = Samples.Node($"n{index:00}", 1);
            node["metadata"]!["annotations"]!["k8s.ovn.org/node-primary-ifaddr"] = $$"""{"ipv4":"10.1.0.{{index + 1}}/16"}""";
            node["metadata"]!["annotations"]!["k8s.ovn.org/host-cidrs"] = $"""["10.1.0.{index + 1}/16"]""";
            cluster.Server.Apply(node);
        }

        foreach (int index in Enumerable.Range(0, EgressIPs))
        {
            cluster.Server.Apply(Samples.EgressIP(
                string.Create(CultureInfo.InvariantCulture, $"e{index:0000}"),
                $"10.1.{10 + (index / 100)}.{(index % 100) + 1}", $"10.1.{10 + (index / 100)}.{(index % 100) + 101}"));
        }

        using ControllerProcess controller = cluster.StartController();
        JsonObject[] all = [];
        await cluster.UntilAsync(
            async () => (all = [.. await cluster.AllAsync("egressips")]).All(one => TestCluster.ItemsOf(one).Length == 2),
            () => $"{all.Count(one => TestCluster.ItemsOf(one).Length == 2)} are assigned");
        int[] counts = [.. all.SelectMany(TestCluster.ItemsOf).GroupBy(item => item.Split('@')[1]).Select(node => node.Count())];
        Assert.Equal(Nodes, counts.Length);
        Assert.InRange(counts.Max() - counts.Min(), 0, 1);

        // Nothing follows: the controller knows its own writes.
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Equal(EgressIPs, cluster.Server.Requests.Count(request => request is { Verb: "apply", Resource: "egressips" }));
        Assert.Empty(await cluster.EventsAsync());
    }
}
