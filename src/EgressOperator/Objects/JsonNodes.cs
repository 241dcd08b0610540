using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressOperator.Objects;

/// <summary>Makes the nodes of a YAML document, which the readers read, of JSON.</summary>
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

    private static YamlScalarNode Text(string text) => new(text) { Style = ScalarStyle.DoubleQuoted };
}
