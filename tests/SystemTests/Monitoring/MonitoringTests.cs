using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shared;
using SystemTests.EgressIp;
using SystemTests.Hold;
using Xunit.Abstractions;

namespace SystemTests.Monitoring;

/// <summary>
/// Alerts and dashboard of packaging/monitoring, by promtool and by a Prometheus that reads real agents, a controller and a pair.
/// </summary>
public partial class MonitoringTests(ITestOutputHelper output)
{
    private const string TestsOfAlerts = "tests/SystemTests/Monitoring/alerts-test.yaml";

    /// <summary>An address that no node can hold, and one that another machine has.</summary>
    private const string Unreachable = "203.0.113.5", Taken = "192.0.2.77";

    [Fact]
    public void Each_alert_fires_when_it_should_and_not_before()
    {
        Promtool("", "check", "rules", MonitoringFiles.Alerts);
        string file = Repository.PathOf(TestsOfAlerts);
        Promtool("", "test", "rules", file);
        string[] tests = [.. TestOfAlert().Matches(File.ReadAllText(file)).Select(test => test.Groups[1].Value)];
        Assert.Equal(
            MonitoringFiles.ReadAlerts().SelectMany(alert => (string[])[$"{alert.Name} fires", $"{alert.Name} does not fire"]), tests);
    }

    [Fact]
    public void The_dashboard_is_of_no_certain_server()
    {
        JsonNode dashboard = MonitoringFiles.ReadDashboard();
        Assert.Null(dashboard["id"]);
        string[] sources = [.. DataSource().Matches(dashboard.ToJsonString()).Select(match => match.Groups[1].Value).Distinct()];
        Assert.Equal(["""{"type":"prometheus","uid":"${datasource}"""], sources);
        JsonNode[] panels = [.. dashboard["panels"]!.AsArray().Select(panel => panel!)];
        Assert.Equal(panels.Length, panels.Select(panel => (int)panel["id"]!).Distinct().Count());
    }

    [RootFact]
    public void Each_query_finds_what_controller_agents_and_holders_export()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        using var pair = new PairLab(output, ["192.0.2.100/24"]);
        pair.UntilBothAreReady();
        OperatorProcess[] agents = [.. Enumerable.Range(1, EgressLab.Nodes).Select(cluster.Agent)];
        cluster.Apply("far", [Unreachable], app: "none");
        Lab.Batch(cluster.Lab.Out, $"address add {Taken}/32 dev eth0");
        cluster.Apply("taken", [Taken], app: "none");
        Assert.All(
            (string[])[cluster.Controller.Metrics(), agents[0].Metrics(), pair.Process(0).Metrics()],
            text => Promtool(text, "check", "metrics"));

        using var prometheus = new PrometheusServer(
            "global: { scrape_interval: 1s, evaluation_interval: 1s }\n" + $"rule_files: [{MonitoringFiles.Alerts}]\n"
            + MonitoringFiles.ScrapeConfig(
                [.. agents.Select((agent, index) => PodTarget(agent, "egress-agent", $"n{index + 1}"))],
                [PodTarget(cluster.Controller, "egress-operator", "n1")],
                [.. ((int[])[0, 1]).Select(pod => PairTarget(pair, pod))])
            // Two holders of one machine cannot have the port of hold.
            + "      - { source_labels: [__meta_test_address], target_label: __address__ }\n");
        Eventually.IsTrue(() => prometheus.Query("up == 1").Count == 6, () => $"{prometheus.Get("targets")}", 20);
        // The address of the pair goes to the other pod, which counts that it was lost.
        int holder = pair.Holder!.Value;
        pair.Network.SetCarrier(holder, isUp: false);
        pair.UntilHolds(1 - holder, System.Diagnostics.Stopwatch.GetTimestamp());
        pair.Network.SetCarrier(holder, isUp: true);
        Eventually.IsTrue(
            () => prometheus.Query($"egress_agent_conflicts{{egress_ip=\"{Taken}\"}}").Count > 0, cluster.Logs, 30);

        PanelQuery[] queries = MonitoringFiles.ReadQueries();
        Assert.True(queries.Length >= 40, $"{queries.Length}");
        Assert.Multiple([.. queries.Select(query => (Action)(() => AssertFound(prometheus, query.Panel, query.Expression, query.Labels)))]);
        Alert[] alerts = MonitoringFiles.ReadAlerts();
        Assert.Multiple([.. alerts.SelectMany(alert => Metric().Matches(alert.Expression).Select(metric =>
            (Action)(() => AssertFound(prometheus, alert.Name, metric.Value, MonitoringFiles.LabelsIn(alert.Text)))))]);
        AssertAlerts(prometheus, alerts);
    }

    /// <summary>What is wrong makes alerts, and nothing else does. Their texts are complete.</summary>
    private void AssertAlerts(PrometheusServer prometheus, Alert[] all)
    {
        JsonNode[] rules = [.. prometheus.Get("rules")["groups"]!.AsArray().SelectMany(group => group!["rules"]!.AsArray())
            .Select(rule => rule!)];
        Assert.Equal(all.Select(alert => alert.Name), rules.Select(rule => (string)rule["name"]!));
        Assert.All(rules, rule => Assert.True((string?)rule["health"] == "ok", $"{rule}"));
        string[] expected = ["EgressAddressConflict", "EgressAddressUnassigned", "EgressPairFailover"];
        JsonNode[] active = [];
        Eventually.IsTrue(
            () =>
            {
                active = [.. prometheus.Get("alerts")["alerts"]!.AsArray().Select(alert => alert!)];
                return expected.SequenceEqual(active.Select(NameOf).Intersect(expected).Order());
            },
            () => string.Join('\n', active.Select(alert => alert.ToJsonString())), 30);
        Array.ForEach(active, alert => output.WriteLine($"{alert["state"]}: {alert["annotations"]!["summary"]}"));
        Assert.All(active.Where(alert => (string?)alert["state"] == "firing"), alert => Assert.Contains(NameOf(alert), expected));
        Assert.All(active, alert => Assert.DoesNotMatch("no value|error|  ", alert["annotations"]!.ToJsonString()));
        Assert.Contains(active, alert => ((string)alert["annotations"]!["summary"]!).Contains(Taken, StringComparison.Ordinal)
            && (string?)alert["state"] == "firing");
        Assert.Contains(active, alert => ((string)alert["annotations"]!["summary"]!).Contains(Unreachable, StringComparison.Ordinal));

        static string NameOf(JsonNode alert) => (string)alert["labels"]!["alertname"]!;
    }

    /// <summary>A query has samples, with these labels.</summary>
    private static void AssertFound(PrometheusServer prometheus, string where, string expression, string[] labels)
    {
        JsonArray found = [];
        Eventually.IsTrue(() => (found = prometheus.Query(expression)).Count > 0, () => $"{where}: {expression} finds nothing", 15);
        Assert.All(labels, label => Assert.True(
            found.All(sample => sample!["metric"]![label] is not null), $"{where}: {expression} has no label {label}: {found[0]}"));
    }

    /// <summary>A target as Kubernetes tells of a pod.</summary>
    private static JsonObject PodTarget(OperatorProcess process, string app, string node) => Target(process.Endpoint, new()
    {
        ["__meta_kubernetes_pod_label_app"] = app,
        ["__meta_kubernetes_pod_container_port_name"] = "metrics",
        ["__meta_kubernetes_pod_node_name"] = node,
    });

    private static JsonObject PairTarget(PairLab pair, int pod) => Target(PairNetwork.ClusterAddress(pod), new()
    {
        ["__meta_kubernetes_pod_container_name"] = "hold",
        ["__meta_kubernetes_pod_node_name"] = $"n{pod}",
        ["__meta_kubernetes_namespace"] = "default",
        ["__meta_kubernetes_pod_name"] = PairLab.NameOf(pod),
        ["__meta_kubernetes_pod_controller_name"] = "er-5d8c7b",
        ["__meta_test_address"] = pair.Process(pod).Endpoint,
    });

    private static JsonObject Target(string address, JsonObject labels) =>
        new() { ["targets"] = new JsonArray(JsonValue.Create(address)), ["labels"] = labels };

    private static void Promtool(string stdin, params string[] arguments)
    {
        CommandResult result = Command.Run("promtool", arguments, stdin, limit: TimeSpan.FromMinutes(1));
        Assert.True(result.ExitCode == 0, $"promtool {string.Join(' ', arguments)}: {result}");
    }

    [GeneratedRegex("^  - name: (.*)$", RegexOptions.Multiline)]
    private static partial Regex TestOfAlert();

    [GeneratedRegex("\"datasource\":({.*?}|\".*?\")")]
    private static partial Regex DataSource();

    [GeneratedRegex(@"\b(egress|ovnkube)_[a-z_]+\b")]
    private static partial Regex Metric();
}
