using System.Collections.Immutable;
using System.Net.Sockets;

namespace EgressIp;

/// <summary>Which pod belongs to which EgressIP: to the oldest that selects it, and wants an address of one of its families.</summary>
internal sealed class Membership
{
    /// <summary>The most pods of other objects that are kept for an object: each becomes an event.</summary>
    private const int MaxOthers = 10;

    private readonly Dictionary<WantingObject, List<Pod>> _members = [];
    private readonly Dictionary<WantingObject, List<(Pod Pod, string Owner)>> _others = [];

    /// <param name="objects">In order of age.</param>
    /// <exception cref="ArgumentException">Two namespaces have one name.</exception>
    public Membership(ImmutableArray<WantingObject> objects, Cluster cluster)
    {
        var namespaces = cluster.Namespaces.ToDictionary(
            space => space.Name,
            space => objects.Where(source => SelectsNamespace(source, space))
                .Select(source => (Source: source, IPv4: source.WantsIPv4, IPv6: source.WantsIPv6)).ToArray(),
            StringComparer.Ordinal);
        foreach (Pod pod in cluster.Pods.Where(pod => pod.IsServed()).OrderBy(pod => pod.Namespace, StringComparer.Ordinal)
            .ThenBy(pod => pod.Name, StringComparer.Ordinal))
        {
            (bool hasIPv4, bool hasIPv6) = (Has(pod, AddressFamily.InterNetwork), Has(pod, AddressFamily.InterNetworkV6));
            string? owner = null;
            foreach ((WantingObject source, bool ipv4, bool ipv6) in namespaces.GetValueOrDefault(pod.Namespace, []))
            {
                if (((ipv4 && hasIPv4) || (ipv6 && hasIPv6)) && (source.Source.PodSelector?.Matches(pod.Labels) ?? true))
                {
                    Add(source, pod, owner);
                    owner ??= source.Source.Name;
                }
            }
        }
    }

    /// <summary>The pods that belong to the object, by namespace and name.</summary>
    public ImmutableArray<Member> Of(WantingObject source)
    {
        ImmutableArray<string> ipv4 = Held(source, ipv6: false);
        ImmutableArray<string> ipv6 = Held(source, ipv6: true);
        ImmutableArray<string> both =
            [.. source.Addresses.Where(address => address.Node != WantedAddress.None).Select(address => address.Text)];
        return [.. _members.GetValueOrDefault(source, []).Select(pod => new Member(
            pod.Namespace,
            pod.Name,
            pod.Node!,
            pod.IPs,
            !Has(pod, AddressFamily.InterNetwork) ? ipv6 : Has(pod, AddressFamily.InterNetworkV6) ? both : ipv4))];
    }

    /// <summary>Pods that the object selects, but that belong to an older one, and that one's name: the first ten.</summary>
    public IReadOnlyList<(Pod Pod, string Owner)> OthersOf(WantingObject source) => _others.GetValueOrDefault(source, []);

    private void Add(WantingObject source, Pod pod, string? owner)
    {
        if (owner is null)
        {
            ListOf(_members, source).Add(pod);
        }
        else if (ListOf(_others, source) is { Count: < MaxOthers } others)
        {
            others.Add((pod, owner));
        }
    }

    private static List<T> ListOf<T>(Dictionary<WantingObject, List<T>> lists, WantingObject source) =>
        lists.TryGetValue(source, out List<T>? list) ? list : lists[source] = [];

    private static bool SelectsNamespace(WantingObject source, Namespace space) =>
        source.SelectorFault is null && source.Source.NamespaceSelector is LabelSelector selector && selector.Matches(space.Labels);

    private static ImmutableArray<string> Held(WantingObject source, bool ipv6) =>
        [.. source.Addresses.Where(address => address.Node != WantedAddress.None && address.IsIPv6 == ipv6)
            .Select(address => address.Text)];

    private static bool Has(Pod pod, AddressFamily family) => pod.IPs.Any(address => address.AddressFamily == family);
}
