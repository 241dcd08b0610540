using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shared;
using SystemTests.Packaging;
using YamlDotNet.RepresentationModel;

namespace SystemTests.Monitoring;

/// <summary>An alert of alerts.yaml, with the text of all its annotations.</summary>
internal sealed record Alert(string Name, string Expression, string Text);

/// <summary>A query of dashboard.json, for Prometheus itself, with the labels that its legend shows.</summary>
internal sealed record PanelQuery(string Panel, string Expression, string[] Labels);

/// <summary>What is in packaging/monitoring.</summary>
internal static partial class MonitoringFiles
{
    public static string Alerts { get; } = Repository.PathOf("packaging", "monitoring", "alerts.yaml");

    public static Alert[] ReadAlerts() => [.. Manifest.Parse(File.ReadAllText(Alerts)).SelectMany(file => Manifest.List(file, "groups"))
        .SelectMany(group => Manifest.List(group, "rules")).Select(rule => new Alert(
            Manifest.Text(rule["alert"]), Manifest.Text(rule["expr"]),
            string.Join('\n', ((YamlMappingNode)rule["annotations"]).Children.Select(one => Manifest.Text(one.Value)))))];

    public static JsonNode ReadDashboard() =>
        JsonNode.Parse(File.ReadAllText(Repository.PathOf("packaging", "monitoring", "dashboard.json")))!;

    /// <summary>All queries, with what Grafana puts in for its variables.</summary>
    public static PanelQuery[] ReadQueries() => [.. ReadDashboard()["panels"]!.AsArray()
        .SelectMany(panel => (panel!["targets"]?.AsArray() ?? []).Select(target => new PanelQuery(
            (string)panel["title"]!,
            ((string)target!["expr"]!).Replace("$__rate_interval", "10s", StringComparison.Ordinal)
                .Replace("$egress_ip", ".*", StringComparison.Ordinal),
            LabelsIn((string?)target["legendFormat"] ?? ""))))];

    /// <summary>The jobs of scrape.yaml, with targets instead of those that Kubernetes tells.</summary>
    /// <param name="targets">For each job, in order.</param>
    public static string ScrapeConfig(params IEnumerable<JsonObject>[] targets)
    {
        string text = File.ReadAllText(Repository.PathOf("packaging", "monitoring", "scrape.yaml"));
        foreach (IEnumerable<JsonObject> target in targets)
        {
            text = Discovery().Replace(text, "static_configs: " + new JsonArray([.. target]).ToJsonString(), 1);
        }

        Assert.DoesNotMatch(Discovery(), text);
        return text;
    }

    /// <summary>The labels that a legend or an annotation names.</summary>
    public static string[] LabelsIn(string template) =>
        [.. Label().Matches(template).Select(label => label.Groups[1].Value).Where(label => label != "value").Distinct()];

    [GeneratedRegex(@"\{\{ ?(?:\$labels\.)?([a-z_]+) ?\}\}")]
    private static partial Regex Label();

    [GeneratedRegex("kubernetes_sd_configs: .*")]
    private static partial Regex Discovery();
}
