using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ApiServer;

/// <summary>A label selector as it is in a query: <c>a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1</c>.</summary>
internal sealed partial class LabelSelector
{
    private readonly List<Func<JsonObject?, bool>> _requirements = [];

    /// <exception cref="ApiError">It is none.</exception>
    public LabelSelector(string? text)
    {
        string rest = text?.Trim() ?? "";
        while (rest.Length > 0)
        {
            Match match = Requirement().Match(rest);
            if (!match.Success)
            {
                throw ApiError.BadRequest($"unable to parse requirement: found '{rest}'");
            }

            _requirements.Add(Of(match));
            rest = rest[match.Length..];
        }
    }

    public bool IsEmpty => _requirements.Count == 0;

    public bool Matches(JsonObject value) =>
        _requirements.Count == 0 || _requirements.TrueForAll(requirement => requirement(value.At("metadata", "labels") as JsonObject));

    private static Func<JsonObject?, bool> Of(Match match)
    {
        string key = match.Groups["key"].Value;
        string[] values = [.. match.Groups["value"].Captures.Select(capture => capture.Value)];
        return match.Groups["operator"].Value switch
        {
            "" => match.Groups["not"].Success ? labels => labels.Text(key) is null : labels => labels.Text(key) is not null,
            "=" or "==" or "in" => labels => labels.Text(key) is string label && values.Contains(label),
            "!=" or "notin" => labels => labels.Text(key) is not string label || !values.Contains(label),
            string comparison => labels => long.TryParse(labels.Text(key), CultureInfo.InvariantCulture, out long label)
                && (comparison == ">" ? label > Number(values[0]) : label < Number(values[0])),
        };
    }

    private static long Number(string text) => long.TryParse(text, CultureInfo.InvariantCulture, out long number)
        ? number
        : throw ApiError.BadRequest($"unable to parse requirement: '{text}' is no integer");

    [GeneratedRegex(
        @"^\s*(?:(?<not>!)\s*(?<key>[\w./-]+)
            |(?<key>[\w./-]+)(?:\s*(?<operator>==|=|!=|>|<)\s*(?<value>[\w.-]*)
                |\s+(?<operator>in|notin)\s*\(\s*(?<value>[\w.-]*)(?:\s*,\s*(?<value>[\w.-]*))*\s*\))?)\s*(?:,|$)",
        RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Requirement();
}
