using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace EgressIp;

/// <summary>Which pod belongs to which EgressIP: of those that select it, and want an address of one of its families, to the oldest.</summary>
internal sealed class Membership
{
    private readonly Dictionary<WantingObject, List<Pod>> _members = [];
    private readonly Dictionary<WantingObject, List<(Pod Pod, string Owner)>> _others = [];

    /// <param name="objects">In order of age.</param>
    /// <exception cref="ArgumentException">Two namespaces have one name.</exception>
    public Membership(ImmutableArray<WantingObject> objects, Cluster cluster)
    {
        var namespaces = cluster.Namespaces.ToDictionary(
            space => space.Name,
            space => objects.Where(source => SelectsNamespace(source, space)).ToArray(),
            StringComparer.Ordinal);
        foreach (Pod pod in cluster.Pods.Where(IsServed).OrderBy(pod => pod.Namespace, StringComparer.Ordinal)
            .ThenBy(pod => pod.Name, StringComparer.Ordinal))
        {
            WantingObject[] fitting = [.. namespaces.GetValueOrDefault(pod.Namespace, []).Where(source => Selects(source, pod))];
            for (int index = 0; index < fitting.Length; index++)
            {
                if (index == 0)
                {
                    ListOf(_members, fitting[0]).Add(pod);
                }
                else
                {
                    ListOf(_others, fitting[index]).Add((pod, fitting[0].Source.Name));
                }
            }
        }
    }

    /// <summary>The pods that belong to the object, by namespace and name.</summary>
    public ImmutableArray<Member> Of(WantingObject source) =>
        [.. _members.GetValueOrDefault(source, []).Select(pod => new Member(
            pod.Namespace,
            pod.Name,
            pod.Node!,
            pod.IPs,
            [.. source.Addresses.Where(address => address.Node != WantedAddress.None && HasFamily(pod, address)).Select(address => address.Text)]))];

    /// <summary>The pods that the object selects, but that belong to an older one, and that one's name.</summary>
    public IReadOnlyList<(Pod Pod, string Owner)> OthersOf(WantingObject source) => _others.GetValueOrDefault(source, []);

    private static List<T> ListOf<T>(Dictionary<WantingObject, List<T>> lists, WantingObject source) =>
        lists.TryGetValue(source, out List<T>? list) ? list : lists[source] = [];

    /// <summary>Pods of the host's network have the node's addresses; others need a node, addresses and containers that have not ended.</summary>
    private static bool IsServed(Pod pod) =>
        !pod.HostNetwork && pod.Node is not null && !pod.IPs.IsEmpty && pod.Phase is not (PodPhase.Succeeded or PodPhase.Failed);

    private static bool SelectsNamespace(WantingObject source, Namespace space) =>
        source.SelectorFault is null && source.Source.NamespaceSelector is LabelSelector selector && selector.Matches(space.Labels);

    private static bool Selects(WantingObject source, Pod pod) =>
        (source.Source.PodSelector?.Matches(pod.Labels) ?? true) && source.Addresses.Any(address => HasFamily(pod, address));

    private static bool HasFamily(Pod pod, WantedAddress address)
    {
        AddressFamily family = address.IsIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        return pod.IPs.Any((IPAddress ip) => ip.AddressFamily == family);
    }
}
