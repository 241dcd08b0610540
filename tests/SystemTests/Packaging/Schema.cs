using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Json.Schema;
using Shared;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SystemTests.Packaging;

/// <summary>Compares Kubernetes objects with the JSON schema in testdata/kubernetes/schema.yaml.</summary>
internal static partial class Schema
{
    private static readonly EvaluationOptions _options = new() { OutputFormat = OutputFormat.List };

    private static readonly JsonNode _schema = ToJson(
        Manifest.Parse(File.ReadAllText(Repository.PathOf("testdata", "kubernetes", "schema.yaml"))).Single())!;

    /// <summary>All that is wrong with the objects of a text, each with its kind and its path.</summary>
    public static string[] FaultsOf(string yaml) => [.. Manifest.Parse(yaml).SelectMany(FaultsOf)];

    private static IEnumerable<string> FaultsOf(YamlMappingNode document)
    {
        string? kind = Manifest.Child(document, "kind") is YamlScalarNode scalar ? scalar.Value : null;
        if (_schema["$defs"]![kind ?? ""]?["properties"]?["kind"] is null)
        {
            return [$"{kind}: unknown kind"];
        }

        JsonNode schema = _schema.DeepClone();
        schema["$ref"] = $"#/$defs/{kind}";
        EvaluationResults results = JsonSchema.FromText(schema.ToJsonString())
            .Evaluate(JsonSerializer.SerializeToElement(ToJson(document)), _options);
        return results.IsValid ? [] : results.Details!.SelectMany(detail => (detail.Errors ?? new Dictionary<string, string>()).Select(
            error => $"{kind}{detail.InstanceLocation}: {(error.Key.Length == 0 ? "unknown key" : error.Value)}"));
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(
            mapping.Children.Select(pair => KeyValuePair.Create(Manifest.Text(pair.Key), ToJson(pair.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: string text } when OtherThanText().IsMatch(text) =>
            text is "true" or "false" ? JsonValue.Create(text == "true")
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? JsonValue.Create(number)
            : null,
        _ => JsonValue.Create(Manifest.Text(node)),
    };

    /// <summary>
    /// What YAML 1.1, which Kubernetes reads, takes for a number, a boolean or nothing. Our manifests write them as JSON does:
    /// others, such as <c>on</c> and <c>3.10</c>, count as null, which the schema allows nowhere.
    /// </summary>
    [GeneratedRegex(@"^([-+]?(\d[\d_]*\.?\d*|\.\d+|0x[0-9a-f_]+)(e[-+]?\d+)?|true|false|yes|no|on|off|y|n|null|~|)\z",
        RegexOptions.IgnoreCase)]
    private static partial Regex OtherThanText();
}
