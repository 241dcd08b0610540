using System.Text;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Writes YAML such that a reader, of YAML 1.1 or 1.2, finds the same strings and nodes in it.</summary>
internal static class YamlWords
{
    /// <summary>What YAML 1.1 takes for a boolean or for nothing, in any case of letters.</summary>
    private static readonly string[] _words = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"];

    /// <summary>A string: as it is where no reader can take it for anything else, else in quotes.</summary>
    public static string Quoted(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && text[^1] != ':' && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_' or '/' or ':' or '@')
        && !_words.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? text : $"\"{JsonEncodedText.Encode(text)}\"";

    /// <summary>Members of a mapping, in lines that begin with so many blanks.</summary>
    public static string Members(IEnumerable<KeyValuePair<YamlNode, YamlNode>> members, int indent)
    {
        var mapping = new YamlMappingNode(members);
        return mapping.Children.Count == 0 ? "" : Indented(Text(mapping), indent);
    }

    /// <summary>Items of a list, in lines that begin with so many blanks.</summary>
    public static string Items(IEnumerable<YamlNode> items, int indent)
    {
        var list = new YamlSequenceNode(items);
        return list.Children.Count == 0 ? "" : Indented(Text(list), indent);
    }

    private static string Indented(string text, int indent)
    {
        var lines = new StringBuilder();
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            lines.Append(' ', line.Length > 0 ? indent : 0).Append(line).Append('\n');
        }

        return lines.ToString();
    }

    private static string Text(YamlNode node)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var settings = new EmitterSettings(bestIndent: 2, bestWidth: int.MaxValue, isCanonical: false, maxSimpleKeyLength: 1024);
        new YamlStream(new YamlDocument(node)).Save(new Emitter(writer, settings), assignAnchors: false);
        string text = writer.ToString();
        return text.EndsWith("...\n", StringComparison.Ordinal) ? text[..^4] : text;
    }
}
