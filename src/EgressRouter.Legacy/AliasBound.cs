using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>
/// How large YAML becomes when what aliases stand for is written out: a text of a few lines can stand for any number of nodes.
/// </summary>
internal static class AliasBound
{
    /// <summary>More than a cluster's manifests have.</summary>
    public const int MaxNodes = 1_000_000;

    /// <summary>Whether a document keeps to it.</summary>
    public static bool Holds(YamlNode document)
    {
        // A node that contains itself has no end: it counts as too large from the moment at which it is entered.
        var sizes = new Dictionary<YamlNode, long>(ReferenceEqualityComparer.Instance);
        return Size(document) <= MaxNodes;

        long Size(YamlNode node)
        {
            if (sizes.TryGetValue(node, out long known))
            {
                return known;
            }

            sizes[node] = MaxNodes + 1;
            IEnumerable<YamlNode> children = node is YamlMappingNode mapping
                ? mapping.Children.SelectMany(member => new[] { member.Key, member.Value })
                : (node as YamlSequenceNode)?.Children ?? Enumerable.Empty<YamlNode>();
            return sizes[node] = Math.Min(MaxNodes + 1, 1 + children.Sum(Size));
        }
    }
}
