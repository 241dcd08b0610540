using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using EgressRouter.Config;
using EgressRouter.Tools;
using Shared;

namespace EgressRouter.Tests.Config;

/// <summary>Configurations with <c>egressIP</c>.</summary>
public partial class GateConfigTests
{
    /// <summary>The configuration list of the examples: the cluster network, and the plugin behind it.</summary>
    public static string Example { get; } = Repository.PathOf("cni-conf-examples", "egress-ip.conflist");

    public static TheoryData<string> Files => ConfigText.Names("testdata", "gate");

    [Theory]
    [MemberData(nameof(Files))]
    public void A_configuration_is_read_or_its_faults_are_named(string name)
    {
        JsonElement config = Parse(File.ReadAllText(Repository.PathOf("testdata", "gate", name + ".json")));
        Assert.True(GateConfig.IsIn(config));
        ImmutableArray<ConfigError> errors = GateConfig.Parse(config, out GateConfig? gate);
        Assert.Equal(gate is null, !errors.IsEmpty);
        string[] lines = gate is null ? [.. errors.Select(fault => $"fault: {fault}")]
            : [$"agent socket: {gate.AgentSocket}", $"timeout: {gate.Timeout.TotalSeconds} s"];
        Golden.Verify(string.Join('\n', lines), "gate", name);
    }

    [Theory]
    [InlineData("""{ "egressIP": null, "ip": {} }""")]
    [InlineData("""{ "ip": { "egressIP": true } }""")]
    [InlineData("""["egressIP"]""")]
    public void Others_are_configurations_of_routers(string json) => Assert.False(GateConfig.IsIn(Parse(json)));

    [Fact]
    public void No_document_at_all_is_a_configuration_of_a_router() => Assert.False(GateConfig.IsIn(default));

    [Fact]
    public void The_example_is_valid_and_has_the_defaults()
    {
        JsonElement plugin = Parse(File.ReadAllText(Example)).GetProperty("plugins").EnumerateArray().Last();
        Assert.Empty(GateConfig.Parse(plugin, out GateConfig? gate));
        Assert.Equal(GateConfig.Default, gate);
        Assert.Empty(Inspect(File.ReadAllText(Example)));
        string table = File.ReadAllText(Repository.PathOf("cni-conf-examples", "README.md"));
        Assert.Contains("| [egress-ip.conflist](egress-ip.conflist) |", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_finds_faults_in_a_list_and_explain_says_that_there_is_no_router()
    {
        string broken = File.ReadAllText(Example).Replace("\"timeout\": 10", "\"timeout\": 100", StringComparison.Ordinal);
        Assert.Equal(
            "standard input:17:18: error: plugins[1].timeout \"100\": is outside 1-60", Assert.Single(Inspect(broken)));
        UsageException fault = Assert.Throws<UsageException>(() => RouterDefinition.ReadAll(Example, Stream.Null, null, null));
        Assert.EndsWith(": it has \"egressIP\", so the plugin makes no router", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>docs/egress-ip.md lists the keys beside <c>egressIP</c>, with their defaults and ranges.</summary>
    [Fact]
    public void The_document_has_the_keys_and_defaults_of_the_code()
    {
        string[] rows = [.. File.ReadLines(Repository.PathOf("docs", "egress-ip.md"))
            .SkipWhile(line => !line.StartsWith("| `egressIP` |", StringComparison.Ordinal)).TakeWhile(line => line.StartsWith('|'))];
        Assert.Equal(KnownKeys.Gate.Take(3), rows.Select(row => Key().Match(row).Groups[1].Value));
        Assert.Contains($"(`{GateConfig.Default.AgentSocket}`)", rows[1], StringComparison.Ordinal);
        Assert.Contains($"1 to 60 ({GateConfig.Default.Timeout.TotalSeconds})", rows[2], StringComparison.Ordinal);
    }

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    private static string[] Inspect(string json) =>
        [.. Validation.Inspect(Assert.Single(ConfigSource.ReadAll("-", new MemoryStream(Encoding.UTF8.GetBytes(json)))))
            .Select(finding => finding.ToString())];

    [GeneratedRegex("^\\| `([A-Za-z]+)`")]
    private static partial Regex Key();
}
