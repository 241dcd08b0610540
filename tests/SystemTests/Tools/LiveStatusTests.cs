using System.Text.Json.Nodes;

namespace SystemTests.Tools;

/// <summary>What is counted, and what differs.</summary>
public class LiveStatusTests
{
    private static string Counting { get; } = Config.ChangedDualStack(config =>
    {
        config["ip"]!["destinations"] = new JsonArray(
            "80 tcp 192.168.12.91", "8000-8100 udp 192.168.12.92", "192.168.12.92", "80 tcp 2001:db8:12::91");
        config["ip"]!.AsObject().Remove("fallbackIP");
    });

    [RootFact]
    public void Connections_packets_and_bytes_are_counted_for_each_destination()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        lab.Serve(Protocol.Udp, "192.168.12.92", 8050);
        lab.Serve(Protocol.Tcp, "192.168.12.92", 9999);
        lab.Add(Counting);
        Assert.All(
            Tool.Destinations(lab).Values,
            destination =>
                Assert.Equal((0, 0, 0), ((int)destination["connections"]!, (int)destination["packets"]!, (int)destination["bytes"]!)));
        for (int i = 0; i < 3; i++)
        {
            Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        }

        Assert.NotNull(lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));
        Assert.NotNull(lab.Connect(Protocol.Udp, 8050));
        Assert.NotNull(lab.Connect(Protocol.Tcp, 9999));
        Dictionary<string, JsonNode> counted = Tool.Destinations(lab);
        Assert.Equal(4, counted.Count);
        AssertCounted(counted["80 tcp 192.168.12.91"], connections: 3, least: 3 * 6);
        AssertCounted(counted["80 tcp 2001:db8:12::91"], connections: 1, least: 6);
        AssertCounted(counted["8000-8100 udp 192.168.12.92"], connections: 1, least: 2);
        AssertCounted(counted["192.168.12.92"], connections: 1, least: 6);
        Assert.Equal(1, (int)counted["8000-8100 udp 192.168.12.92"]["now"]!);

        string prometheus = Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod), "--output", "prometheus").Stdout;
        Assert.Contains("# TYPE egress_router_connections_total counter\n", prometheus, StringComparison.Ordinal);
        Assert.Contains(
            $"egress_router_connections_total{{netns=\"{Lab.PathOf(lab.Pod)}\",interface=\"net1\",network=\"egress-router\",container=\"{Lab.ContainerId}\",destination=\"80 tcp 192.168.12.91\"}} 3\n",
            prometheus, StringComparison.Ordinal);
        Assert.DoesNotContain("egress_router_drift", prometheus, StringComparison.Ordinal);
    }

    [RootFact]
    public void Drift_is_told_with_a_file_and_a_router_is_found_by_its_container_and_process()
    {
        using var lab = new Lab();
        lab.Add(Counting);
        string labels = $"{{netns=\"{Lab.PathOf(lab.Pod)}\",interface=\"net1\",network=\"egress-router\",container=\"{Lab.ContainerId}\"}}";
        CommandResult same = Tool.OnPod(lab, Counting, "status", "--output", "prometheus");
        Assert.True(
            same.ExitCode == 0 && same.Stdout.Contains($"egress_router_drift{labels} 0\n", StringComparison.Ordinal), same.ToString());
        Lab.In(lab.Pod, "ip", "route", "delete", "default", "dev", "net1");
        CommandResult changed = Tool.OnPod(lab, Counting, "status", "--output", "prometheus");
        Assert.True(
            changed.ExitCode == 1 && changed.Stdout.Contains($"egress_router_drift{labels} 1\n", StringComparison.Ordinal),
            changed.ToString());

        using var process = new BackgroundProcess(lab.Pod, "/usr/bin/sleep", "30");
        CommandResult byPid = Tool.On(
            lab, "", "status", "--watch", "--count", "2", "--interval", "1", "--pid",
            process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.True(byPid.ExitCode == 0, byPid.ToString());
        Assert.Equal(2, byPid.Stdout.Split("net1 of /proc/").Length - 1);
        Assert.Equal(2, Tool.On(lab, "", "status", "--container", "no-such-container").ExitCode);
    }

    [RootFact]
    public void A_pod_without_a_router_is_an_error()
    {
        using var lab = new Lab();
        CommandResult none = Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod));
        Assert.True(none is { ExitCode: 2, Stdout: "" }, none.ToString());
        Assert.Contains("no egress router found", none.Stderr, StringComparison.Ordinal);
    }

    private static void AssertCounted(JsonNode destination, int connections, int least)
    {
        Assert.Equal(connections, (int)destination["connections"]!);
        Assert.InRange((int)destination["packets"]!, least, 4 * least);
        Assert.InRange((int)destination["bytes"]!, 28 * least, 100 * 4 * least);
    }
}
