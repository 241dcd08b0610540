using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>
/// Limits the size of YAML with its aliases expanded: a few lines can expand to any number of nodes.
/// </summary>
internal static class AliasBound
{
    /// <summary>More nodes than a cluster's manifests have.</summary>
    public const int MaxNodes = 1_000_000;

    /// <summary>Whether a document is within the limit.</summary>
    public static bool Holds(YamlNode document) => Holds([document], MaxNodes);

    /// <summary>Whether the documents together have at most this many nodes.</summary>
    public static bool Holds(IEnumerable<YamlNode> documents, int maxNodes)
    {
        // A node that contains itself is infinite: a node counts as too large until its size is known.
        var sizes = new Dictionary<YamlNode, long>(ReferenceEqualityComparer.Instance);
        return documents.Sum(Size) <= maxNodes;

        long Size(YamlNode node)
        {
            if (sizes.TryGetValue(node, out long known))
            {
                return known;
            }

            sizes[node] = maxNodes + 1;
            IEnumerable<YamlNode> children = node is YamlMappingNode mapping
                ? mapping.Children.SelectMany(member => new[] { member.Key, member.Value })
                : (node as YamlSequenceNode)?.Children ?? Enumerable.Empty<YamlNode>();
            return sizes[node] = Math.Min(maxNodes + 1L, 1 + children.Sum(Size));
        }
    }
}
