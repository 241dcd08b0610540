using System.Collections.Immutable;
using Cni;

namespace EgressIp;

/// <summary>Reasons in words.</summary>
internal static class Words
{
    /// <summary>The most names, or addresses, that a message lists.</summary>
    private const int MaxListed = 10;

    /// <summary>The address with its reason.</summary>
    public static string Describe(UnassignedAddress address) => $"{SafeText.Part(address.EgressIP)}: {address.Message}";

    /// <summary>Each address with its reason.</summary>
    public static string Describe(ImmutableArray<UnassignedAddress> addresses) => Listed(addresses, "; ", Describe);

    /// <summary>The nodes, grouped by reason: first those that come closest to holding the address.</summary>
    public static string Describe(ImmutableArray<NodeRefusal> nodes) =>
        nodes.IsEmpty ? "the cluster has no node"
        : nodes.All(node => node.Reason == NodeReason.NotLabelled) && nodes.Length > 1 ? $"no node is labelled {Node.AssignableLabel}"
        : string.Join("; ", nodes.GroupBy(node => node.Reason).OrderByDescending(group => group.Key)
            .Select(group => Describe(group.Key, [.. group.Select(node => node.Node)])));

    /// <summary>One node with its reason.</summary>
    public static string Describe(string node, NodeReason reason) => Describe(reason, [node]);

    private static string Describe(NodeReason reason, ImmutableArray<string> nodes)
    {
        bool isOne = nodes.Length == 1;
        string be = isOne ? "is" : "are";
        string predicate = reason switch
        {
            NodeReason.NotLabelled => $"{be} not labelled {Node.AssignableLabel}",
            NodeReason.NotReady => $"{be} not ready",
            NodeReason.NotReachable => $"{be} not reachable",
            NodeReason.AddressRefused => $"{be} not asked",
            NodeReason.NoNetwork => $"{(isOne ? "has" : "have")} no network for the address",
            NodeReason.HoldsAddressOfObject => $"already {(isOne ? "holds" : "hold")} an address of this object",
            NodeReason.NoCapacity => $"{(isOne ? "has" : "have")} no capacity left",
            _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
        };
        return $"{Listed(nodes, ", ", node => node)} {predicate}";
    }

    private static string Listed<T>(ImmutableArray<T> items, string separator, Func<T, string> text) =>
        string.Join(separator, items.Take(MaxListed).Select(text))
        + (items.Length > MaxListed ? $" and {items.Length - MaxListed} more" : "");
}
