using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;
using EgressOperator.Tests.Infrastructure;
using Xunit.Abstractions;

namespace EgressOperator.Tests.Overview;

/// <summary>The page of a large cluster.</summary>
public sealed class StatusScaleTests(ITestOutputHelper output)
{
    private const int Nodes = 50;

    private const int EgressIPs = 1000;

    private static readonly bool _isFull = Environment.GetEnvironmentVariable("EGRESS_ROUTER_TESTS") == "full";

    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(_isFull ? 3600 : 20);

    /// <summary>An ordinary run may be slower: other tests run beside it.</summary>
    private static readonly double _limit = _isFull ? 1 : 5;

    [Fact]
    public async Task A_large_cluster_is_shown_at_once_and_costs_no_memory_over_time()
    {
        await using OwnCluster cluster = await OwnCluster.StartAsync();
        Fill(cluster);
        using FakeAgents agents = FakeAgents.Start(node =>
            Enumerable.Range(0, EgressIPs / Nodes).Select(index => $"10.1.{10 + index}.{node.GetAddressBytes()[3]}"));
        using ControllerProcess controller = cluster.StartController("--agent-port", agents.Port);
        await cluster.UntilAsync(
            async () => (await cluster.AllAsync("egressips")).All(one => TestCluster.ItemsOf(one).Length == 1),
            () => "not all are assigned");
        await using Browser browser = await Browser.StartAsync();

        await browser.OpenAsync($"http://127.0.0.1:{controller.Port()}/status/");
        await browser.UntilAsync("document.querySelectorAll('#nodes tbody tr').length === 50");
        double first = (await browser.ValueAsync("firstPicture")).GetDouble();
        List<double> delays = [];
        for (int time = 0; time < 5; time++)
        {
            string name = $"late-{time}";
            cluster.Server.Apply(Samples.EgressIP(name, "10.9.9.9"));
            delays.Add((await browser.UntilAsync($"document.querySelector('#problems').innerText.includes('{name}')")).TotalSeconds);
        }

        await ChangeAsync(cluster, TimeSpan.FromSeconds(20));
        (double page, double process) before = (await HeapAsync(browser), controller.Memory / 1e6);
        int changes = await ChangeAsync(cluster, _longest);
        (double page, double process) after = (await HeapAsync(browser), controller.Memory / 1e6);
        string figures = string.Create(
            CultureInfo.InvariantCulture,
            $"status page of {Nodes} nodes and {EgressIPs} EgressIPs: first picture {first / 1000:0.00} s; a change {delays.Max():0.00} s at most; "
            + $"{changes} changes in {_longest.TotalSeconds:0} s: page {before.page:0.0} -> {after.page:0.0} MB, "
            + $"controller {before.process:0} -> {after.process:0} MB");
        output.WriteLine(figures);
        Assert.True(first / 1000 < _limit && delays.Max() < _limit, figures);
        Assert.True(after.page < before.page + 10 && after.process < before.process + 60, figures);
        Assert.Empty(browser.Faults);
    }

    private static void Fill(OwnCluster cluster)
    {
        foreach (int index in Enumerable.Range(1, Nodes))
        {
            JsonObject node = Samples.Node($"n{index:00}", 1);
            node["metadata"]!["annotations"]!["k8s.ovn.org/node-primary-ifaddr"] = $$"""{"ipv4":"10.1.0.{{index}}/16"}""";
            node["metadata"]!["annotations"]!["k8s.ovn.org/host-cidrs"] = $"""["10.1.0.{index}/16"]""";
            node["status"]!["addresses"] = new JsonArray(new JsonObject { ["type"] = "InternalIP", ["address"] = $"127.0.0.{index}" });
            cluster.Server.Apply(node);
        }

        cluster.Server.Apply(Samples.Namespace("prod", "prod"));
        foreach (int index in Enumerable.Range(0, EgressIPs))
        {
            JsonObject egressIP = Samples.EgressIP(
                string.Create(CultureInfo.InvariantCulture, $"e{index:0000}"), $"10.1.{10 + (index / Nodes)}.{(index % Nodes) + 1}");
            // Each has pods of its own, but for two that have the same.
            egressIP["spec"]!["podSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = $"{Math.Max(index, 1)}" } };
            cluster.Server.Apply(egressIP);
        }
    }

    /// <summary>Makes and deletes pods, ten in a second.</summary>
    private static async Task<int> ChangeAsync(OwnCluster cluster, TimeSpan duration)
    {
        long began = Stopwatch.GetTimestamp();
        int changes = 0;
        while (Stopwatch.GetElapsedTime(began) < duration)
        {
            int pod = changes / 2 % 100;
            string name = $"pod-{pod}";
            if (changes % 2 == 0)
            {
                JsonObject made = Samples.Pod("prod", name, "n01", "10.244.1.9");
                made["metadata"]!["labels"] = new JsonObject { ["app"] = $"{pod}" };
                cluster.Server.Apply(made);
            }
            else
            {
                cluster.Server.Delete("pods", name, "prod");
            }

            changes++;
            TimeSpan next = (TimeSpan.FromMilliseconds(100) * changes) - Stopwatch.GetElapsedTime(began);
            await Task.Delay(next > TimeSpan.Zero ? next : TimeSpan.Zero);
        }

        return changes;
    }

    /// <summary>The megabytes of the page's script after its garbage is collected.</summary>
    private static async Task<double> HeapAsync(Browser browser)
    {
        await browser.CollectGarbageAsync();
        return (await browser.ValueAsync("performance.memory.usedJSHeapSize")).GetDouble() / 1e6;
    }
}
