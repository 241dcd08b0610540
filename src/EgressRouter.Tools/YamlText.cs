using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Tools;

/// <summary>YAML of strangers: read as nodes, never as objects, bounded in depth, and with texts as keys.</summary>
internal static class YamlText
{
    private const int MaxDepth = 64;

    /// <summary>The roots of all documents of a text; Kubernetes' lists (<c>kind: List</c>) count as their items.</summary>
    /// <param name="file">Its name, for errors.</param>
    /// <exception cref="UsageException">It is not YAML, nested too deeply, or has a key that is no text.</exception>
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
    }

    /// <summary>A member of a mapping, through several of them; null where there is none.</summary>
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

    /// <summary>The text of a member; null where there is none, or another thing.</summary>
    public static string? Text(this YamlNode? node, params ReadOnlySpan<string> keys) => (node.Child(keys) as YamlScalarNode)?.Value;

    /// <summary>The items of a member that is a list; none for anything else.</summary>
    public static IEnumerable<YamlNode> Items(this YamlNode? node, params ReadOnlySpan<string> keys) =>
        node.Child(keys) as YamlSequenceNode ?? Enumerable.Empty<YamlNode>();

    /// <summary>The line of a node, from 1.</summary>
    public static int Line(this YamlNode node) => (int)node.Start.Line;

    /// <summary>
    /// Nodes are read by recursion, events are not: a text of a million brackets must not end the program. Nor must a key, which is
    /// hashed as a whole, that is a list of aliases of lists of aliases.
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
