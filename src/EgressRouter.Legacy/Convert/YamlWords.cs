using System.Globalization;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>
/// Writes YAML that parsers of YAML 1.1 and 1.2 read as the same strings and nodes, and that has no terminal control characters.
/// </summary>
internal static class YamlWords
{
    /// <summary>The words that YAML 1.1 reads as a boolean or null, in upper or lower case.</summary>
    private static readonly string[] _words = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"];

    /// <summary>Returns a string, plain if no parser can take it for anything else, else quoted.</summary>
    public static string Quoted(string text)
    {
        bool isPlain = text.Length > 0 && char.IsAsciiLetter(text[0]) && text[^1] != ':'
            && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_' or '/' or ':' or '@')
            && !_words.Contains(text, StringComparer.OrdinalIgnoreCase);
        string inQuotes = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
        return isPlain ? text : $"\"{Escaped(inQuotes)}\"";
    }

    /// <summary>Returns the members of a mapping, each line indented.</summary>
    public static string Members(IEnumerable<KeyValuePair<YamlNode, YamlNode>> members, int indent)
    {
        var mapping = new YamlMappingNode(members);
        return mapping.Children.Count == 0 ? "" : Indented(Text(mapping), indent);
    }

    /// <summary>Returns the items of a list, each line indented.</summary>
    public static string Items(IEnumerable<YamlNode> items, int indent)
    {
        var list = new YamlSequenceNode(items);
        return list.Children.Count == 0 ? "" : Indented(Text(list), indent);
    }

    /// <summary>
    /// Replaces control and format characters by YAML escapes, which work only in double quotes. Keeps line breaks.
    /// </summary>
    private static string Escaped(string text)
    {
        var escaped = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            _ = !IsInvisible(rune) ? escaped.Append(rune.ToString())
                : rune.IsBmp ? escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}")
                : escaped.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:X8}");
        }

        return escaped.ToString();
    }

    private static bool IsInvisible(Rune rune) => rune.Value != '\n' && Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    private static string Indented(string text, int indent)
    {
        var lines = new StringBuilder();
        foreach (string line in text[..^1].Split('\n'))
        {
            lines.Append(' ', line.Length > 0 ? indent : 0).Append(line).Append('\n');
        }

        return lines.ToString();
    }

    /// <summary>Returns a copy without anchors: each alias is expanded.</summary>
    private static YamlNode Plain(YamlNode node) => node switch
    {
        YamlMappingNode mapping =>
            new YamlMappingNode(
                mapping.Children.Select(member => new KeyValuePair<YamlNode, YamlNode>(Plain(member.Key), Plain(member.Value))))
            {
                Style = mapping.Style,
                Tag = mapping.Tag,
            },
        YamlSequenceNode list => new YamlSequenceNode(list.Children.Select(Plain)) { Style = list.Style, Tag = list.Tag },
        YamlScalarNode { Value: string value } scalar => new YamlScalarNode(value)
        {
            Style = value.EnumerateRunes().Any(IsInvisible) ? ScalarStyle.DoubleQuoted : scalar.Style,
            Tag = scalar.Tag,
        },
        _ => node,
    };

    private static string Text(YamlNode node)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var settings = new EmitterSettings(bestIndent: 2, bestWidth: int.MaxValue, isCanonical: false, maxSimpleKeyLength: 1024);
        new YamlStream(new YamlDocument(Plain(node))).Save(new Emitter(writer, settings), assignAnchors: false);
        string text = Escaped(writer.ToString());
        return text.EndsWith("...\n", StringComparison.Ordinal) ? text[..^4] : text;
    }
}
