using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using EgressRouter.Config;
using EgressRouter.Tools;
using Shared;

namespace EgressRouter.Tests.Config;

/// <summary>docs/configuration.md lists each key of the parser once, and no other. Its defaults are the parser's.</summary>
public partial class ReferenceTests
{
    private static readonly string[] _objects = ["ip", "interfaceArgs", "dns", "ipam"];

    /// <summary>The keys whose default is a value of the configuration. Other defaults are described in prose, or do not exist.</summary>
    private static readonly string[] _withDefault = ["cniVersion", "interfaceType", "interfaceArgs.mode", "inbound", "conflictDetection",
        "conflictDetectionTimeout", "log_level"];

    private static readonly string[] _required = ["type", "name", "ip.addresses"];

    [Fact]
    public void The_reference_has_every_key_and_no_other()
    {
        string[] known =
        [
            .. KnownKeys.Top.Union(KnownKeys.Gate).Except(_objects).Append("ipam"),
            .. KnownKeys.Ip.Select(key => "ip." + key), .. KnownKeys.InterfaceArgs.Select(key => "interfaceArgs." + key),
            .. KnownKeys.Dns.Select(key => "dns." + key),
        ];
        Assert.Equal(known.Order(), Rows().SelectMany(row => Quoted(row.Keys)).Order());
    }

    /// <summary>Writing a default changes nothing, and omitting a required key is a fault.</summary>
    [Fact]
    public void The_reference_has_the_defaults_of_the_code()
    {
        Dictionary<string, string> defaults = Rows().SelectMany(row => Quoted(row.Keys).Select(key => (key, row.Default))).ToDictionary();
        Assert.Equal(_withDefault, defaults.Where(pair => Literal().IsMatch(pair.Value)).Select(pair => pair.Key));
        Assert.Equal(
            _required, defaults.Where(pair => pair.Value.StartsWith("required", StringComparison.Ordinal)).Select(pair => pair.Key));
        Assert.All(_required, key =>
        {
            JsonObject config = Least();
            ObjectOf(config, key).Remove(key.Split('.')[^1]);
            ConfigSource source = Assert.Single(ConfigSource.ReadAll("-", new MemoryStream(Encoding.UTF8.GetBytes(config.ToJsonString()))));
            Assert.Equal(key, Assert.Single(Validation.Inspect(source)).Fault.Path.ToString());
        });

        // CommandTests: the assumed version of a configuration without one.
        Assert.Equal("0.1.0", defaults["cniVersion"]);
        Assert.All(
            _withDefault.Except(["cniVersion", "interfaceArgs.mode", "conflictDetectionTimeout"]),
            key => AssertDefault(key, defaults[key]));
        AssertDefault("conflictDetectionTimeout", defaults["conflictDetectionTimeout"], ("conflictDetection", "on"));
        string[] modes = defaults["interfaceArgs.mode"].Split("; ");
        AssertDefault("interfaceArgs.mode", modes[0]);
        AssertDefault("interfaceArgs.mode", modes[1], ("interfaceType", "ipvlan"));
    }

    private static void AssertDefault(string key, string value, params (string Key, JsonNode Value)[] beside)
    {
        JsonObject config = Least();
        foreach ((string other, JsonNode setting) in beside)
        {
            config[other] = setting;
        }

        string without = Print(config);
        ObjectOf(config, key)[key.Split('.')[^1]] = value.StartsWith('`') ? value.Trim('`') : JsonNode.Parse(value);
        Assert.Equal(without, Print(config));
    }

    /// <summary>The minimal configuration.</summary>
    private static JsonObject Least() => JsonNode.Parse("""{ "type": "egress-router", "name": "least", "ip": { "addresses": ["192.168.12.99/24"] } }""")!.AsObject();

    /// <summary>Returns a key's object, which is created if it is missing.</summary>
    private static JsonObject ObjectOf(JsonObject config, string key) =>
        key.Split('.') is [string parent, _] ? (config[parent] ??= new JsonObject()).AsObject() : config;

    private static string Print(JsonObject config) =>
        ConfigText.Print(ConfigText.Parse(config.ToJsonString())) + LogSettings.Read(JsonSerializer.SerializeToElement(config));

    /// <summary>The rows of the table of keys.</summary>
    private static (string Keys, string Default)[] Rows()
    {
        string[] lines = [.. File.ReadLines(Repository.PathOf("docs", "configuration.md"))
            .SkipWhile(line => line != "| key | value | default |").Skip(2).TakeWhile(line => line.StartsWith('|'))];
        Assert.All(lines, line => Assert.Equal(3, line.Count(letter => letter == '|') - 1));
        return [.. lines.Select(line => line.Split('|')).Select(cells => (cells[1], cells[3].Trim()))];
    }

    private static IEnumerable<string> Quoted(string cell) => Key().Matches(cell).Select(match => match.Groups[1].Value);

    [GeneratedRegex("`([^`]*)`")]
    private static partial Regex Key();

    [GeneratedRegex(@"^(`[^`]*`|\d[\d.]*)(; `[^`]*`)?$")]
    private static partial Regex Literal();
}
