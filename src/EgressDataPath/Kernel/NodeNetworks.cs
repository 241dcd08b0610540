using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressDataPath.Desired;
using EgressRouter.Config;
using Netlink;
using Netlink.Routing;

namespace EgressDataPath.Kernel;

/// <summary>A network of a node, in which it can hold egress addresses.</summary>
/// <param name="Link">The name of the link.</param>
/// <param name="Cidr">The network.</param>
/// <param name="Addresses">The node's own addresses in it.</param>
/// <param name="Gateways">The routers of it that the main table names.</param>
public sealed record LinkNetwork(string Link, IPNetwork Cidr, ImmutableArray<IPAddress> Addresses, ImmutableArray<IPAddress> Gateways);

/// <summary>The networks of a node, and how packets leave by their links.</summary>
/// <param name="Networks">By link and network.</param>
/// <param name="MainLinks">The links of the default routes.</param>
/// <param name="Routes">The routes of the main table.</param>
public sealed record NodeNetworks(
    ImmutableArray<LinkNetwork> Networks,
    ImmutableHashSet<string> MainLinks,
    ImmutableArray<Route> Routes,
    IReadOnlyDictionary<string, Link> Links)
{
    /// <summary>Reads the networks of the calling thread's network namespace: of all links that are up and can have neighbors.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static NodeNetworks Read(NetlinkSocket route)
    {
        ArgumentNullException.ThrowIfNull(route);
        var links = route.ListLinks().Where(link => link.IsUp && link.Name is not ("lo" or Settings.Link))
            .ToDictionary(link => link.Index);
        IReadOnlyList<LinkAddress> addresses = route.ListAddresses(address => links.ContainsKey(address.LinkIndex)
            && address.Origin != Settings.AddressOrigin && address.PrefixLength < address.Address.AddressFamily.AddressBits()
            && IsGlobal(address.Address));
        Route[] routes = [.. route.ListRoutes(one => one.Table == Route.MainTable && one.Type == RouteType.Unicast)];
        (Route Route, NextHop Hop)[] hops = [.. routes.SelectMany(one => one.NextHops().Select(hop => (one, hop)))];
        return new NodeNetworks(
            [.. addresses.GroupBy(address => (links[address.LinkIndex].Name, Network: NetworkOf(address)))
                .OrderBy(group => group.Key.Name, StringComparer.Ordinal)
                .ThenBy(group => group.Key.Network.ToString(), StringComparer.Ordinal)
                .Select(group => new LinkNetwork(
                    group.Key.Name,
                    group.Key.Network,
                    [.. group.Select(address => address.Address)],
                    [.. hops.Select(hop => hop.Hop.Gateway).OfType<IPAddress>().Where(group.Key.Network.Contains).Distinct()]))],
            [.. hops.Where(hop => hop.Route.PrefixLength == 0 && hop.Hop.OutputInterface is int index && links.ContainsKey(index))
                .Select(hop => links[hop.Hop.OutputInterface!.Value].Name)],
            [.. routes],
            links.Values.ToDictionary(link => link.Name));
    }

    /// <summary>
    /// The link on which the node can hold an egress address: of the networks that contain it, that of the longest prefix.
    /// </summary>
    public string? LinkFor(IPAddress address) => Networks.Where(network => network.Cidr.Contains(address))
        .OrderByDescending(network => network.Cidr.PrefixLength).Select(network => network.Link).FirstOrDefault();

    /// <summary>Whether packets with an address of the link leave by its own routes: the node's default routes go elsewhere.</summary>
    public bool HasOwnWay(string link) => !MainLinks.IsEmpty && !MainLinks.Contains(link);

    /// <summary>The routes of a link.</summary>
    public LinkRoutes RoutesOf(string link) => new(link, Links.TryGetValue(link, out Link? found)
        ? [.. Routes.Where(route => route.OutputInterface == found.Index)]
        : []);

    /// <summary>The MTU of the link that has one of the addresses; null: none has.</summary>
    public int? MtuAt(IPAddress address) =>
        Networks.Where(network => network.Addresses.Contains(address)).Select(network => (int?)Links[network.Link].Mtu).FirstOrDefault();

    private static IPNetwork NetworkOf(LinkAddress address) => new(address.Address.Network(address.PrefixLength), address.PrefixLength);

    private static bool IsGlobal(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? !IPAddress.IsLoopback(address) && !_linkLocal.Contains(address)
        : !address.IsIPv6LinkLocal && !IPAddress.IPv6Loopback.Equals(address);

    private static readonly IPNetwork _linkLocal = new(new IPAddress([169, 254, 0, 0]), 16);
}
