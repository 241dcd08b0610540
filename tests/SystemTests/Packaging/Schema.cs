using System.Globalization;
using System.Text.RegularExpressions;
using Shared;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SystemTests.Packaging;

/// <summary>
/// Compares YAML with testdata/kubernetes/schema.yaml, whose few words are explained there. (The libraries for JSON schemas
/// do not read YAML, in which <c>3.10</c> and <c>on</c> are no texts.)
/// </summary>
internal static partial class Schema
{
    private static readonly YamlMappingNode _types = Manifest.Parse(
        File.ReadAllText(Repository.PathOf("testdata", "kubernetes", "schema.yaml"))).Single();

    /// <summary>All that is wrong with the objects of a text, each with its path.</summary>
    public static string[] FaultsOf(string yaml) => [.. Manifest.Parse(yaml).SelectMany(FaultsOf)];

    private static IEnumerable<string> FaultsOf(YamlMappingNode document) =>
        document.Children.TryGetValue("kind", out YamlNode? kind) && _types.Children.TryGetValue(kind, out YamlNode? type)
            ? Compare(document, type, $"{kind}")
            : [$"{document}: is of no known kind"];

    private static IEnumerable<string> Compare(YamlNode value, YamlNode type, string path) => type switch
    {
        YamlMappingNode members when value is YamlMappingNode mapping => CompareMembers(mapping, members, path),
        YamlSequenceNode list when value is YamlSequenceNode items =>
            items.SelectMany((item, index) => Compare(item, list[0], $"{path}[{index}]")),
        YamlScalarNode { Value: string name } when _types.Children.TryGetValue(name, out YamlNode? named) => Compare(value, named, path),
        YamlScalarNode { Value: string text } when text.Split(" | ") is [_, _, ..] choices =>
            choices.Any(choice => !Compare(value, new YamlScalarNode(choice), path).Any()) ? [] : [$"{path}: {value} is not {text}"],
        YamlScalarNode { Value: string text } =>
            value is YamlScalarNode scalar && IsOf(text, scalar) ? [] : [$"{path}: {value} is not {text}"],
        _ => [$"{path}: {value} is not a {(type is YamlMappingNode ? "map" : "list")}"],
    };

    private static IEnumerable<string> CompareMembers(YamlMappingNode value, YamlMappingNode members, string path)
    {
        Dictionary<string, YamlNode> known = members.Children.ToDictionary(member => $"{member.Key}".TrimEnd('!'), member => member.Value);
        IEnumerable<string> missing = members.Children.Keys.Select(key => $"{key}").Where(
            key => key.EndsWith('!') && !value.Children.ContainsKey(key.TrimEnd('!')))
            .Select(key => $"{path}.{key.TrimEnd('!')}: is missing");
        return missing.Concat(value.Children.SelectMany(member =>
            known.TryGetValue($"{member.Key}", out YamlNode? type) || known.TryGetValue("*", out type)
                ? Compare(member.Value, type, $"{path}.{member.Key}")
                : [$"{path}.{member.Key}: unknown key"]));
    }

    private static bool IsOf(string type, YamlScalarNode scalar) => type switch
    {
        "text" => IsText(scalar),
        "boolean" => scalar is { Style: ScalarStyle.Plain, Value: "true" or "false" },
        ['/', .. string pattern, '/'] => IsText(scalar) && Regex.IsMatch(scalar.Value!, $"^(?:{pattern})\\z"),
        _ when type.Split("..") is [string least, string most] =>
            scalar.Style == ScalarStyle.Plain && int.TryParse(scalar.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number >= int.Parse(least, CultureInfo.InvariantCulture) && number <= int.Parse(most, CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException($"the schema has no type {type}"),
    };

    /// <summary>Quoted, or nothing that YAML 1.1, which Kubernetes reads, takes for a number, a boolean or nothing.</summary>
    private static bool IsText(YamlScalarNode scalar) => scalar.Style != ScalarStyle.Plain || !OtherThanText().IsMatch(scalar.Value!);

    [GeneratedRegex(@"^([-+]?(\d[\d_]*\.?\d*|\.\d+|0x[0-9a-f_]+)(e[-+]?\d+)?|true|false|yes|no|on|off|y|n|null|~|)\z",
        RegexOptions.IgnoreCase)]
    private static partial Regex OtherThanText();
}
