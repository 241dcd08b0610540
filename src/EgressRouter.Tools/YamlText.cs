using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Tools;

/// <summary>Untrusted YAML, read as nodes, never as objects, with a limited depth and scalar keys.</summary>
internal static class YamlText
{
    private const int MaxDepth = 64;

    /// <summary>Returns the roots of all documents; the items of a Kubernetes list (<c>kind: List</c>) count as roots.</summary>
    /// <param name="file">The file's name, for errors.</param>
    /// <exception cref="UsageException">The text is not YAML, is nested too deeply, or has a key that is not a scalar.</exception>
    public static IReadOnlyList<YamlNode> Read(string text, string file)
    {
        try
        {
            RequirePlain(text, file);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return [.. stream.Documents.SelectMany(document =>
                document.RootNode.Text("kind")?.EndsWith("List", StringComparison.Ordinal) == true
                    && document.RootNode.Child("items") is YamlSequenceNode items
                    ? items.Children : [document.RootNode])];
        }
        catch (YamlException fault)
        {
            throw new UsageException($"{file}:{fault.Start.Line}:{fault.Start.Column}: it is neither JSON nor YAML: {fault.Message}");
        }
        catch (ArgumentException fault)
        {
            // The scanner does not check that two escapes are the halves of a character.
            throw new UsageException($"{file}: it is neither JSON nor YAML: {fault.Message}");
        }
    }

    /// <summary>Returns the node at a path of mapping keys, or null if there is none.</summary>
    public static YamlNode? Child(this YamlNode? node, params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            node = node is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? value)
                ? value
                : null;
        }

        return node;
    }

    /// <summary>Returns the text of a member, or null if it is missing or not a scalar.</summary>
    public static string? Text(this YamlNode? node, params ReadOnlySpan<string> keys) => (node.Child(keys) as YamlScalarNode)?.Value;

    /// <summary>Returns the items of a member, or none if it is not a list.</summary>
    public static IEnumerable<YamlNode> Items(this YamlNode? node, params ReadOnlySpan<string> keys) =>
        node.Child(keys) as YamlSequenceNode ?? Enumerable.Empty<YamlNode>();

    /// <summary>The line of a node, from 1.</summary>
    public static int Line(this YamlNode node) => (int)node.Start.Line;

    /// <summary>
    /// Checks events before nodes are built by recursion: deep nesting must not overflow the stack. A key is hashed as a whole, so that
    /// nested lists of aliases must not be a key.
    /// </summary>
    private static void RequirePlain(string text, string file)
    {
        var parser = new Parser(new StringReader(text));
        var open = new Stack<(bool IsMapping, int Nodes)>();
        while (parser.MoveNext())
        {
            ParsingEvent current = parser.Current!;
            if (current is MappingEnd or SequenceEnd)
            {
                open.Pop();
            }
            else if (current is NodeEvent or AnchorAlias)
            {
                (bool isMapping, int nodes) = open.Count > 0 ? open.Pop() : default;
                open.Push((isMapping, nodes + 1));
                string? wrong = open.Count > MaxDepth ? $"it is nested deeper than {MaxDepth} levels"
                    : isMapping && nodes % 2 == 0 && current is not Scalar ? "a key is no text" : null;
                if (wrong is not null)
                {
                    throw new UsageException($"{file}:{current.Start.Line}:{current.Start.Column}: {wrong}");
                }

                if (current is MappingStart or SequenceStart)
                {
                    open.Push((current is MappingStart, 0));
                }
            }
        }
    }
}
