using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressOperator.Objects;

/// <summary>Makes the nodes of a YAML document, which the readers read, of JSON, and JSON of them.</summary>
internal static class JsonNodes
{
    public static YamlNode Of(JsonElement source) => source.ValueKind switch
    {
        JsonValueKind.Object => new YamlMappingNode(source.EnumerateObject().DistinctBy(member => member.Name).Select(
            member => KeyValuePair.Create<YamlNode, YamlNode>(Text(member.Name), Of(member.Value)))),
        JsonValueKind.Array => new YamlSequenceNode(source.EnumerateArray().Select(Of)),
        JsonValueKind.String => Text(source.GetString()!),
        _ => new YamlScalarNode(source.GetRawText()) { Style = ScalarStyle.Plain },
    };

    /// <summary>The JSON that kubectl makes of YAML.</summary>
    public static JsonNode? From(YamlNode source) => source switch
    {
        YamlMappingNode mapping => new JsonObject(
            mapping.Children.Select(member => KeyValuePair.Create(((YamlScalarNode)member.Key).Value!, From(member.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(From)]),
        YamlScalarNode scalar when YamlScalars.IsNull(scalar) => null,
        YamlScalarNode scalar when YamlScalars.IsString(scalar) => JsonValue.Create(scalar.Value),
        YamlScalarNode scalar when YamlScalars.Bool(scalar) is bool value => JsonValue.Create(value),
        YamlScalarNode scalar => long.TryParse(
            scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole)
            ? JsonValue.Create(whole)
            : JsonValue.Create(double.Parse(scalar.Value!, CultureInfo.InvariantCulture)),
        _ => throw new NotSupportedException($"an alias at {source.Start}"),
    };

    /// <summary>The same value, to be changed.</summary>
    public static JsonNode? Copy(JsonElement source) => source.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(source.Clone()),
        JsonValueKind.Array => JsonArray.Create(source.Clone()),
        _ => JsonValue.Create(source.Clone()),
    };

    private static YamlScalarNode Text(string text) => new(text) { Style = ScalarStyle.DoubleQuoted };
}
