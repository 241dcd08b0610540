using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using EgressOperator.Controller;
using Member = EgressDataPath.Desired.Member;

namespace EgressOperator.Agent;

/// <summary>What a node has to do in a cluster.</summary>
/// <param name="self">The name of the node.</param>
/// <param name="excluded">Networks that pods reach without an egress address, beside those of pods and nodes.</param>
internal sealed class DutiesOfNode(string self, ImmutableArray<IPNetwork> excluded)
{
    /// <summary>Link-local addresses never leave a link.</summary>
    public static ImmutableArray<IPNetwork> LinkLocal { get; } = [IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("fe80::/10")];

    /// <param name="held">The addresses that this node has taken.</param>
    public Duties Of(ClusterView view, NodeNetworks networks, IReadOnlySet<IPAddress> held)
    {
        HeldAddress[] own = [.. view.Objects.SelectMany(served => served.Addresses
            .Where(address => address.Owner == self && held.Contains(address.Address))
            .Select(address => Held(served, address.Address, view, networks))).OfType<HeldAddress>()];
        return new Duties(
            [.. view.Nodes.Values.Where(node => node.Node.Name != self).SelectMany(node => node.Addresses).Distinct()],
            [.. LinkLocal, .. excluded, .. view.Nodes.Values.SelectMany(node => node.PodNetworks),
                .. view.Nodes.Values.SelectMany(AddressesOf)],
            [.. view.Objects.Select(served => Served(served, view, own)).OfType<ServedObject>()],
            [.. own])
        {
            OutsideLinks = [.. networks.MainLinks.Concat(networks.Networks.Where(network => !IsOfPods(network.Cidr, view))
                .Select(network => network.Link)).Distinct().Order(StringComparer.Ordinal)],
            Links = [.. own.Where(address => address.HasOwnWay).Select(address => address.Link).Distinct().Select(networks.RoutesOf)],
        };
    }

    private static IEnumerable<IPNetwork> AddressesOf(WatchedNode node) =>
        node.Addresses.Concat(node.Node.Networks.SelectMany(network => network.Addresses)).Select(Single);

    private static IPNetwork Single(IPAddress address) => new(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);

    /// <summary>An EgressIP with pods of this node; null: it has none here.</summary>
    private ServedObject? Served(ViewedObject served, ClusterView view, HeldAddress[] own)
    {
        ImmutableArray<IPAddress> pods = [.. served.Members.Where(member => member.Node == self)
            .SelectMany(member => member.Addresses).Where(address => served.Wants(IsIPv6(address))).Distinct()];
        return pods.IsEmpty ? null : new ServedObject(
            served.Source.Name,
            pods,
            [.. served.Addresses.Select(address => new EgressAddress(address.Address, WayOf(address, view, own)))],
            served.Watched.Excluded,
            served.Watched.FailsOpen);
    }

    private static bool IsOfPods(IPNetwork network, ClusterView view) =>
        view.Nodes.Values.SelectMany(node => node.PodNetworks).Any(pods => pods.Contains(network.BaseAddress));

    private Way WayOf(ViewedAddress address, ClusterView view, HeldAddress[] own) =>
        address.Owner == self && own.FirstOrDefault(held => held.Address.Equals(address.Address)) is HeldAddress here
            ? new Way.Here(here.HasOwnWay ? here.Link : null)
        : address.Holder is string holder && holder != self && view.Nodes.GetValueOrDefault(holder)?.Tunnel is IPAddress node
            ? new Way.Tunnel(node)
        : new Way.Hold();

    private HeldAddress? Held(ViewedObject served, IPAddress address, ClusterView view, NodeNetworks networks) =>
        networks.LinkFor(address) is not string link ? null : new HeldAddress(
            address,
            link,
            networks.HasOwnWay(link),
            [.. served.Members.SelectMany(member => member.Addresses
                .Where(pod => IsIPv6(pod) == IsIPv6(address))
                .Where(_ => member.Node == self || view.Nodes.GetValueOrDefault(member.Node)?.Tunnel is not null)
                .Select(pod => new Member(pod, member.Node == self ? null : view.Nodes[member.Node].Tunnel)))
                .DistinctBy(member => member.Pod)]);

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;
}
