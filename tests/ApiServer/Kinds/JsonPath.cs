using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ApiServer;

/// <summary>The JSONPath of printer columns: <c>.a.b</c>, <c>["key"]</c>, <c>[0]</c>, <c>[*]</c>, <c>[?(@.type=="Ready")]</c>.</summary>
internal sealed partial class JsonPath
{
    private readonly List<Func<JsonNode, IEnumerable<JsonNode?>>> _steps = [];

    public JsonPath(string text)
    {
        string rest = text.Trim();
        rest = rest.StartsWith('{') && rest.EndsWith('}') ? rest[1..^1] : rest;
        while (rest.Length > 0)
        {
            Match match = Step().Match(rest);
            if (!match.Success)
            {
                throw new FormatException($"{text}: {rest} is no step of a JSONPath");
            }

            _steps.Add(Of(match.Groups));
            rest = rest[match.Length..];
        }
    }

    /// <summary>All values that are there.</summary>
    public IReadOnlyList<JsonNode> Find(JsonNode root)
    {
        IEnumerable<JsonNode> found = [root];
        foreach (Func<JsonNode, IEnumerable<JsonNode?>> step in _steps)
        {
            found = found.SelectMany(step).OfType<JsonNode>();
        }

        return [.. found];
    }

    private static Func<JsonNode, IEnumerable<JsonNode?>> Of(GroupCollection groups)
    {
        if (groups["key"] is { Success: true } key)
        {
            string name = key.Value.Replace("\\", "", StringComparison.Ordinal);
            return name == "*" ? Children : node => [node.At(name)];
        }

        if (groups["index"] is { Success: true } index)
        {
            int number = int.Parse(index.Value, CultureInfo.InvariantCulture);
            return node => node is JsonArray list && number < list.Count ? [list[number]] : [];
        }

        if (groups["field"] is { Success: true } field)
        {
            string[] path = field.Value.Split('.');
            bool wantsEqual = groups["operator"].Value == "==";
            return node => Children(node).Where(
                child => child.At(path) is JsonValue value && (value.ToString() == groups["value"].Value) == wantsEqual);
        }

        return Children;
    }

    private static IEnumerable<JsonNode?> Children(JsonNode node) => node switch
    {
        JsonArray list => list,
        JsonObject map => map.Select(member => member.Value),
        _ => [],
    };

    [GeneratedRegex(
        """
        ^(?: \.?\[\s* (?: (?<index>[0-9]+) | \* | (["'])(?<key>.*?)\1
                | \?\(\s* @\.(?<field>[\w.-]+) \s*(?<operator>==|!=)\s* (["']?)(?<value>.*?)\2 \s*\) ) \s*\]
            | \.?(?<key>(?:\\.|[^.\[\]\\])+) )
        """,
        RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Step();
}
