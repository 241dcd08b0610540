using System.Collections.Immutable;
using System.Text;
using EgressRouter.Tools;
using Shared;

namespace EgressRouter.Tests.Tools;

/// <summary>The findings in files, with their positions.</summary>
public class ValidationTests
{
    [Theory]
    [InlineData("faulty.json")]
    [InlineData("list.conflist")]
    [InlineData("no-json.json")]
    [InlineData("other-type.json")]
    [InlineData("definitions.yaml")]
    public void Faults_have_their_places(string file)
    {
        string path = Repository.PathOf("testdata", "tools", "validate", file);
        string text = string.Join('\n', ConfigSource.ReadAll(path, Stream.Null).SelectMany(source => Validation.Inspect(source)));
        Golden.Verify(text.Replace(path, file, StringComparison.Ordinal), "tools", "validate", file);
    }

    [Theory]
    [InlineData("", "it holds neither a network configuration in JSON nor a NetworkAttachmentDefinition")]
    [InlineData("kind: Pod", "it holds neither a network configuration in JSON nor a NetworkAttachmentDefinition")]
    [InlineData("kind: NetworkAttachmentDefinition\nmetadata: { name: a }",
        "standard input:1: NetworkAttachmentDefinition a has no text spec.config")]
    [InlineData("a: [", "standard input:2:1: it is neither JSON nor YAML")]
    [InlineData("a: \"b", "standard input:1:4: it is neither JSON nor YAML")]
    public void What_holds_no_configuration_is_an_error(string text, string error)
    {
        UsageException fault = Assert.Throws<UsageException>(() => Read(text));
        Assert.Contains(error, fault.Message, StringComparison.Ordinal);
    }

    /// <summary>A cluster also has definitions of other plugins, and some whose configuration is on the nodes.</summary>
    [Fact]
    public void Definitions_of_other_plugins_are_passed_over_where_one_is_ours()
    {
        const string others = """
            kind: NetworkAttachmentDefinition
            metadata: { name: bridged }
            spec: { config: '{ "type": "bridge" }' }
            ---
            kind: NetworkAttachmentDefinition
            metadata: { name: elsewhere }
            ---
            kind: NetworkAttachmentDefinition
            metadata: { name: list }
            spec: { config: '{ "plugins": [{ "type": "sriov" }, { "type": "tuning" }] }' }

            """;
        const string ours = """
            ---
            kind: NetworkAttachmentDefinition
            metadata: { name: mistyped }
            spec: { config: '{ "type": "egres-router" }' }
            ---
            kind: NetworkAttachmentDefinition
            metadata: { name: broken }
            spec: { config: '{ "type": "bridge"' }
            """;
        Assert.Equal(["mistyped", "broken"], Validation.Ours(Read(others + ours)).Select(source => source.Name));
        Assert.Equal(["bridged", "list"], Validation.Ours(Read(others)).Select(source => source.Name));
    }

    [Fact]
    public void A_text_that_the_plugin_would_not_read_is_told_at_once()
    {
        string json = "{ \"type\": \"egress-router\", \"x\": [" + string.Join(',', Enumerable.Repeat("1", 600_000)) + "] }";
        Assert.Equal(
            "standard input:1:1: error: it is longer than 1048576 bytes",
            Assert.Single(Validation.Inspect(Assert.Single(Read(json)))).ToString());
    }

    /// <summary>Each fault has its position, and finding the last one does not start at the first line again.</summary>
    [Theory]
    [InlineData("", "{0}", 4)]
    [InlineData("kind: NetworkAttachmentDefinition\nspec:\n  config: |\n    ", "{0}", 7)]
    [InlineData("kind: NetworkAttachmentDefinition\nspec:\n  config: '", "{0}'", 6)]
    public void Thirty_thousand_faults_take_no_time(string before, string format, int line)
    {
        string json =
            "{\n\"type\": \"egress-router\", \"name\": \"x\",\n\"ip\": { \"addresses\": [\"192.168.12.99\"], \"destinations\": [\n"
            + string.Join(",\n", Enumerable.Range(0, 30_000).Select(port => $"  \"{port} tpc 10.0.0.1\"")) + "] } }";
        ConfigSource source = Assert.Single(
            Read(
                before + string.Format(
                    System.Globalization.CultureInfo.InvariantCulture, format, json).Replace("\n", "\n    ", StringComparison.Ordinal)));
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        var findings = Validation.Inspect(source);
        // Usually a quarter of a second; a minute if each position is searched from the beginning.
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20));
        Assert.Equal(Enumerable.Range(line, 30_000), findings.Select(finding => finding.Place.Line));
    }

    /// <summary>A key is hashed with all its content: this one has nine to the eleventh items.</summary>
    [Fact]
    public void A_key_that_is_no_text_is_an_error() => Assert.Contains(
        "standard input:13:3: a key is no text",
        Assert.Throws<UsageException>(() => Read("a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1,
            11).Select(i => $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 9))}]\n")) + "? *a11\n: x\n")).Message,
        StringComparison.Ordinal);

    /// <summary>Nodes are read by recursion: without a limit this would end the process.</summary>
    [Fact]
    public void Depth_is_bounded() =>
        Assert.Contains(
            "deeper than 64 levels", Assert.Throws<UsageException>(() => Read("a: " + new string('[', 1_000_000))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Text_that_is_not_UTF8_is_an_error() =>
        Assert.Contains(
            "byte 2 is not UTF-8",
            Assert.Throws<UsageException>(() => ConfigSource.ReadAll("-", new MemoryStream([(byte)'{', 0xff]))).Message,
            StringComparison.Ordinal);

    private static ImmutableArray<ConfigSource> Read(string text) =>
        ConfigSource.ReadAll("-", new MemoryStream(Encoding.UTF8.GetBytes(text)));
}
