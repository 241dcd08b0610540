using System.Text.RegularExpressions;
using Shared;

namespace EgressOperator.Tests;

/// <summary>The documents of egress-operator name all that the program has, and nothing else.</summary>
public partial class DocumentTests
{
    private static readonly string _documents = string.Concat(
        ((string[])["audit.md", "egress-ip.md", "egress-ip-assignment.md", "operator.md", "pair.md", "status-page.md"])
        .Select(file => File.ReadAllText(Repository.PathOf("docs", file))));

    [Theory]
    [InlineData("agent")]
    [InlineData("audit")]
    [InlineData("controller")]
    [InlineData("hold")]
    [InlineData("simulate")]
    [InlineData("trace")]
    public void Each_option_is_described(string verb)
    {
        string[] options = [.. Option().Matches(Operator.Run($"{verb} --help").Stdout).Select(match => match.Value).Distinct()];
        Assert.True(options.Length >= 4, string.Join(' ', options));
        Assert.All(options.Except(["--help"]), option => Assert.Matches($"\\| .*`[^`]*{option}\\b[^`]*`.* \\|", _documents));
    }

    [Fact]
    public void Each_metric_is_described_and_no_other()
    {
        string[] made = MetricsInCode();
        Assert.True(made.Length >= 15, string.Join(' ', made));
        Assert.Equal(
            made.Order(StringComparer.Ordinal),
            Documented().Matches(_documents).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>Without a system: MonitoringTests of SystemTests show that Prometheus finds them, with their labels.</summary>
    [Fact]
    public void Alerts_and_dashboard_name_metrics_that_there_are_and_each_alert_is_described()
    {
        string[] texts = [.. ((string[])["alerts.yaml", "dashboard.json"])
            .Select(file => File.ReadAllText(Repository.PathOf("packaging", "monitoring", file)))];
        string[] named = [.. texts.SelectMany(text => Named().Matches(text)).Select(match => match.Groups[1].Value).Distinct()];
        Assert.True(named.Length >= 40, string.Join(' ', named));
        Assert.All(named, name => Assert.Contains(name, MetricsInCode()));
        string document = File.ReadAllText(Repository.PathOf("docs", "monitoring.md"));
        Assert.Equal(
            Alert().Matches(texts[0]).Select(match => match.Groups[1].Value),
            AlertRow().Matches(document).Select(match => match.Groups[1].Value));
        Assert.Contains("\n## Alerts\n", document, StringComparison.Ordinal);
        Assert.All(Runbook().Matches(texts[0]), match => Assert.Equal("docs/monitoring.md#alerts", match.Groups[1].Value));
    }

    private static string[] MetricsInCode()
    {
        string[] sources = Directory.GetFiles(Repository.PathOf("src", "EgressOperator"), "*Metrics.cs", SearchOption.AllDirectories);
        return [.. sources.SelectMany(file => Metric().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value)];
    }

    [GeneratedRegex("--[a-z][a-z-]+")]
    private static partial Regex Option();

    [GeneratedRegex(@"Create(?:Counter|Gauge|Histogram)\(\s*""([a-z_]+)""")]
    private static partial Regex Metric();

    [GeneratedRegex("`((?:egress_(?:agent|operator|pair)|ovnkube)_[a-z_]+)`")]
    private static partial Regex Documented();

    /// <summary>A histogram has three series. No label, such as egress_ip, and no other word begins like a metric.</summary>
    [GeneratedRegex(@"\b((?:egress_(?:agent|operator|pair)|ovnkube)_[a-z_]+?)(?:_(?:bucket|sum|count))?\b")]
    private static partial Regex Named();

    [GeneratedRegex(@"^      - alert: (\w+)$", RegexOptions.Multiline)]
    private static partial Regex Alert();

    [GeneratedRegex(@"^\| `(Egress\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex AlertRow();

    [GeneratedRegex("runbook: (.*)")]
    private static partial Regex Runbook();
}
