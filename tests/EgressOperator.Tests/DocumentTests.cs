using System.Text.RegularExpressions;
using Shared;

namespace EgressOperator.Tests;

/// <summary>The documents of egress-operator name all that the program has, and nothing else.</summary>
public partial class DocumentTests
{
    private static readonly string _documents = string.Concat(
        ((string[])["egress-ip.md", "egress-ip-assignment.md", "operator.md", "pair.md", "status-page.md"])
        .Select(file => File.ReadAllText(Repository.PathOf("docs", file))));

    [Theory]
    [InlineData("agent")]
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
        string[] sources = Directory.GetFiles(Repository.PathOf("src", "EgressOperator"), "*Metrics.cs", SearchOption.AllDirectories);
        string[] made = [.. sources.SelectMany(file => Metric().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value)];
        Assert.True(made.Length >= 15, string.Join(' ', made));
        Assert.Equal(
            made.Order(StringComparer.Ordinal),
            Documented().Matches(_documents).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("--[a-z][a-z-]+")]
    private static partial Regex Option();

    [GeneratedRegex(@"Create(?:Counter|Gauge|Histogram)\(\s*""([a-z_]+)""")]
    private static partial Regex Metric();

    [GeneratedRegex("`((?:egress|ovnkube)_[a-z_]+)`")]
    private static partial Regex Documented();
}
