using System.Collections.Immutable;

namespace EgressIp;

/// <summary>What the assignment depends on. The order of all lists is irrelevant, except that of the addresses of a spec.</summary>
/// <param name="Reachable">Names of the nodes that answer.</param>
public sealed record Cluster(
    ImmutableArray<EgressIP> EgressIPs,
    ImmutableArray<Node> Nodes,
    ImmutableHashSet<string> Reachable,
    ImmutableArray<Namespace> Namespaces,
    ImmutableArray<Pod> Pods);

/// <summary>An object of the kind EgressIP (k8s.ovn.org/v1).</summary>
/// <param name="Created">metadata.creationTimestamp.</param>
/// <param name="EgressIPs">spec.egressIPs, as written.</param>
/// <param name="NamespaceSelector">spec.namespaceSelector; null, if missing, selects no namespace.</param>
/// <param name="PodSelector">spec.podSelector; null, if missing, selects all pods of these namespaces.</param>
/// <param name="Items">status.items so far.</param>
public sealed record EgressIP(
    string Name,
    DateTimeOffset Created,
    ImmutableArray<string> EgressIPs,
    LabelSelector? NamespaceSelector,
    LabelSelector? PodSelector,
    ImmutableArray<StatusItem> Items)
{
    /// <summary>The oldest first; of the same age, by name.</summary>
    internal static Comparison<EgressIP> ByAge { get; } = (one, other) =>
        one.Created.CompareTo(other.Created) is int age and not 0 ? age : string.CompareOrdinal(one.Name, other.Name);

    /// <summary>Whether the selectors match a pod in its namespace.</summary>
    public bool Selects(Pod pod, Namespace space) =>
        NamespaceSelector?.Matches(space.Labels) == true && (PodSelector?.Matches(pod.Labels) ?? true);
}

/// <summary>One of status.items: the node holds the address.</summary>
public sealed record StatusItem(string EgressIP, string Node);

/// <summary>A namespace, for selectors.</summary>
public sealed record Namespace(string Name, IReadOnlyDictionary<string, string> Labels);

/// <summary>A pod, for selectors.</summary>
/// <param name="Node">spec.nodeName; null before the pod is scheduled.</param>
/// <param name="IPs">status.podIPs.</param>
/// <param name="HostNetwork">spec.hostNetwork: the pod has the node's addresses.</param>
public sealed record Pod(
    string Namespace,
    string Name,
    IReadOnlyDictionary<string, string> Labels,
    string? Node,
    ImmutableArray<System.Net.IPAddress> IPs,
    bool HostNetwork,
    PodPhase Phase)
{
    /// <summary>The UID by which the kubelet knows the pod.</summary>
    public string Uid { get; init; } = "";

    /// <summary>Whether it has a node, addresses of its own, and containers that have not ended.</summary>
    public bool IsServed() => !HostNetwork && Node is not null && !IPs.IsEmpty && Phase is not (PodPhase.Succeeded or PodPhase.Failed);
}

/// <summary>status.phase of a pod.</summary>
public enum PodPhase
{
    /// <summary>Not all containers have started.</summary>
    Pending,

    /// <summary>At least one container runs.</summary>
    Running,

    /// <summary>All containers have ended well.</summary>
    Succeeded,

    /// <summary>All containers have ended, at least one in failure.</summary>
    Failed,

    /// <summary>The node does not answer.</summary>
    Unknown,
}
