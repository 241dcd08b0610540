using System.Collections.Immutable;
using System.Net;
using EgressIp;
using EgressOperator.Objects;

namespace EgressOperator.Controller;

/// <summary>
/// Whether a change of an object matters to the assignment. A kubelet, for example, changes its Node every few minutes only to say that it
/// is alive.
/// </summary>
internal static class Same
{
    public static bool Nodes(WatchedNode? one, WatchedNode? other) =>
        one is not null && other is not null
        && one.IsOfOvnKubernetes == other.IsOfOvnKubernetes
        && one.Node.Ready == other.Node.Ready
        && one.Node.Capacity == other.Node.Capacity
        && one.Node.IsAssignable == other.Node.IsAssignable
        && one.Node.Held.SequenceEqual(other.Node.Held)
        && one.Uid == other.Uid
        && one.Addresses.SequenceEqual(other.Addresses)
        && one.PodNetworks.SequenceEqual(other.PodNetworks)
        && Networks(one.Node.Networks, other.Node.Networks);

    public static bool Agents(AgentReport? one, AgentReport? other) =>
        one is not null && other is not null
        && one.IsReachable == other.IsReachable
        && one.Held.SequenceEqual(other.Held)
        && one.Taken.SequenceEqual(other.Taken)
        && one.Missing.SequenceEqual(other.Missing)
        && one.Conflicts.SequenceEqual(other.Conflicts)
        && Networks(one.Networks, other.Networks);

    public static bool Namespaces(Namespace? one, Namespace? other) =>
        one is not null && other is not null && Labels(one.Labels, other.Labels);

    public static bool Pods(Pod? one, Pod? other) =>
        one is not null && other is not null
        && one.Node == other.Node
        && one.Uid == other.Uid
        && one.HostNetwork == other.HostNetwork
        && one.Phase == other.Phase
        && one.IPs.SequenceEqual(other.IPs)
        && Labels(one.Labels, other.Labels);

    /// <summary>Whether two states of an EgressIP ask for the same.</summary>
    public static bool Specs(EgressIP one, EgressIP other) =>
        one.Created == other.Created
        && one.EgressIPs.SequenceEqual(other.EgressIPs)
        && Selectors(one.NamespaceSelector, other.NamespaceSelector)
        && Selectors(one.PodSelector, other.PodSelector);

    private static bool Networks(ImmutableArray<NodeNetwork> one, ImmutableArray<NodeNetwork> other) =>
        one.Length == other.Length && one.Zip(other).All(pair =>
            pair.First.Link == pair.Second.Link
            && pair.First.Cidr.Equals(pair.Second.Cidr)
            && pair.First.Addresses.SequenceEqual<IPAddress>(pair.Second.Addresses)
            && pair.First.Gateways.SequenceEqual<IPAddress>(pair.Second.Gateways));

    private static bool Selectors(LabelSelector? one, LabelSelector? other) =>
        one is null || other is null
            ? one is null && other is null
            : Labels(one.MatchLabels, other.MatchLabels)
                && one.MatchExpressions.Length == other.MatchExpressions.Length
                && one.MatchExpressions.Zip(other.MatchExpressions).All(pair =>
                    pair.First.Key == pair.Second.Key && pair.First.Operator == pair.Second.Operator
                    && pair.First.Values.SequenceEqual(pair.Second.Values));

    private static bool Labels(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Count == other.Count && one.All(label => other.TryGetValue(label.Key, out string? value) && value == label.Value);
}
