using System.Collections.Immutable;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State.Nftables;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>Builds desired states from the configuration and the given facts about node and pod, without I/O.</summary>
public static class StateBuilder
{
    /// <summary>The metric of both tables' unreachable route: a packet without another route is dropped, never routed elsewhere.</summary>
    private const uint LastResortMetric = uint.MaxValue;

    /// <summary>The state of a complete attachment.</summary>
    public static NetworkState Present(Attachment attachment, PodFacts facts)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        ArgumentNullException.ThrowIfNull(facts);
        string link = attachment.Names.Interface;
        ImmutableSortedDictionary<Sysctl, int> sysctls = Sysctls(attachment, facts);
        bool InUse(RouteState route) => attachment.FamiliesInUse.Contains(route.Family);
        ImmutableArray<RouteState> returns = [.. facts.ReturnRoutes.Where(InUse)];
        var saved = new SavedState(
            [.. facts.OriginalDefaults.Where(InUse)],
            [.. returns.Except(facts.OriginalDefaults)],
            facts.NodeAddresses ?? attachment.Parent.Addresses,
            attachment.Owner,
            attachment.ClusterInterface,
            facts.OriginalSysctls.Where(original => IsChanged(original.Key, original.Value, sysctls, facts))
                .ToImmutableSortedDictionary());
        return new NetworkState
        {
            Link = new LinkState(
                link,
                attachment.Kind,
                new ParentLink(attachment.Parent.Index, attachment.Parent.Name),
                attachment.Settings with { Group = AttachmentNames.LinkGroup, IsUp = true }),
            Addresses = attachment.HighAvailability ? attachment.OwnAddress is AddressState own ? [own] : [] : attachment.Addresses,
            Shared = attachment.HighAvailability ? attachment.Addresses : [],
            Routes = [.. attachment.FamiliesInUse.SelectMany(family => Routes(attachment, facts, returns, family))],
            Rules = [.. attachment.FamiliesInUse.SelectMany(family => Rules(attachment.Names, saved.NodeAddresses, returns, family))],
            Table = NftRuleset.Build(attachment, facts, saved.ToLines()),
            Sysctls = sysctls,
        };
    }

    /// <summary>
    /// The state in which the IPAM plugin is called: the interface exists, because the dhcp plugin sends from it, and already
    /// filters all traffic, because that plugin sets it up.
    /// </summary>
    public static NetworkState Reserved(Attachment attachment, PodFacts facts)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        NetworkState state = Present(attachment with { Addresses = [], Gateways = [], Destinations = [] }, facts);
        return state with { Link = state.Link! with { Settings = state.Link.Settings with { IsUp = null } } };
    }

    /// <summary>The state without the attachment: its objects are deleted and the saved state is restored.</summary>
    public static NetworkState Removed(SavedState saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        return NetworkState.Absent with { Routes = saved.Defaults, Sysctls = saved.Sysctls };
    }

    /// <summary>The rules that follow from the attachment's name: all except those for the node's addresses.</summary>
    public static ImmutableArray<RoutingRule> RulesOf(AttachmentNames names) =>
        [.. Families.All.SelectMany(family => Rules(names, [], [], family))];

    private static IEnumerable<RouteState> Routes(
        Attachment attachment, PodFacts facts, ImmutableArray<RouteState> returns, AddressFamily family)
    {
        AttachmentNames names = attachment.Names;
        bool ipv4 = family == AddressFamily.InterNetwork;
        uint metric = ipv4 ? 0 : RouteState.DefaultIpv6Metric;
        RouteScope onLink = ipv4 ? RouteScope.Link : RouteScope.Universe;
        System.Net.IPAddress gateway = attachment.GatewayOf(family);
        var anywhere = new RouteState { Family = family, Destination = family.Any() };
        RouteState lastResort = anywhere with { Type = RouteType.Unreachable, Metric = LastResortMetric };
        RouteState egress = anywhere with { Gateway = gateway, Device = names.Interface, Metric = metric };

        // The return table precedes the pod's own default route, so that replies never take a wrong route.
        foreach (RouteState back in returns.Where(route => route.Family == family))
        {
            yield return back with { Table = names.ReturnTable };
        }

        yield return lastResort with { Table = names.ReturnTable };

        // Addresses of one subnet share its route, whose source is the first address.
        foreach (AddressState address in attachment.AddressesOf(family)
            .Where(address => address.PrefixLength < family.AddressBits())
            .DistinctBy(address => (address.Address.Network(address.PrefixLength), address.PrefixLength)))
        {
            RouteState connected = anywhere with
            {
                Destination = address.Address.Network(address.PrefixLength),
                PrefixLength = address.PrefixLength,
                Device = names.Interface,
                Scope = onLink,
            };
            // The kernel adds this route with the address; for IPv6, with its own metric. With high availability there is one of a higher
            // metric, without a source address: it stays when the address goes, and does not depend on the address's prefix length.
            yield return attachment.HighAvailability ? connected with { Metric = RouteState.DefaultIpv6Metric } : connected with
            {
                Origin = RouteProtocol.Kernel,
                Source = ipv4 ? address.Address : null,
                Metric = ipv4 ? 0u : 256,
            };
            yield return connected with { Table = names.EgressTable, Metric = metric };
        }

        foreach (RouteState route in ByGateway(egress with { Table = names.EgressTable }))
        {
            yield return route;
        }

        yield return lastResort with { Table = names.EgressTable };
        if (!facts.DefaultsOfOthers.Contains(family))
        {
            // The kernel would merge an IPv6 route of the same metric that another plugin adds later. If no return route is known,
            // that route leads to remote clients and must take precedence.
            bool isFirst = ipv4 || returns.Any(route => route.Family == family);
            foreach (RouteState route in ByGateway(isFirst ? egress : egress with { Metric = metric + 1 }))
            {
                yield return route;
            }
        }
    }

    /// <summary>The gateway's host route, which makes any gateway reachable, and the default route.</summary>
    /// <param name="defaultRoute">A default route through a gateway.</param>
    public static IEnumerable<RouteState> ByGateway(RouteState defaultRoute)
    {
        ArgumentNullException.ThrowIfNull(defaultRoute);
        if (defaultRoute.Gateway is { IsIPv6LinkLocal: false } gateway)
        {
            yield return defaultRoute with
            {
                Destination = gateway,
                PrefixLength = defaultRoute.Family.AddressBits(),
                Gateway = null,
                Scope = defaultRoute.Family == AddressFamily.InterNetwork ? RouteScope.Link : RouteScope.Universe,
            };
        }

        yield return defaultRoute;
    }

    private static IEnumerable<RoutingRule> Rules(
        AttachmentNames names, ImmutableArray<System.Net.IPAddress> nodeAddresses, ImmutableArray<RouteState> returns, AddressFamily family)
    {
        // A macvlan or ipvlan link cannot reach its own parent: the cluster network carries traffic to the node's addresses.
        foreach (System.Net.IPAddress address in nodeAddresses
            .Where(address => address.AddressFamily == family && returns.Any(route => route.Family == family)))
        {
            yield return new RoutingRule
            {
                Family = family,
                Priority = AttachmentNames.NodeRulePriority,
                Destination = address,
                Table = names.ReturnTable
            };
        }

        RoutingRule reply = new() { Family = family, Mark = names.ReturnMark, Mask = AttachmentNames.MarkMask };
        // The pod's own routes to cluster networks take precedence, except those through an egress interface.
        yield return reply with
        {
            Priority = AttachmentNames.ClusterRulePriority,
            Table = Route.MainTable,
            SuppressGroup = AttachmentNames.LinkGroup,
        };
        yield return reply with { Priority = AttachmentNames.MarkRulePriority, Table = names.ReturnTable };
        yield return reply with { Priority = AttachmentNames.MarkRulePriority, Mark = names.EgressMark, Table = names.EgressTable };
    }

    private static ImmutableSortedDictionary<Sysctl, int> Sysctls(Attachment attachment, PodFacts facts)
    {
        string link = attachment.Names.Interface;
        ImmutableSortedDictionary<Sysctl, int>.Builder sysctls = ImmutableSortedDictionary.CreateBuilder<Sysctl, int>();
        bool ipv4 = attachment.FamiliesInUse.Contains(AddressFamily.InterNetwork);
        bool ipv6 = attachment.FamiliesInUse.Contains(AddressFamily.InterNetworkV6);

        // The external network is untrusted: it must not change routes or enter through the pod.
        sysctls[Sysctl.Ipv4(link, "accept_redirects")] = 0;
        sysctls[Sysctl.Ipv4(link, "proxy_arp")] = 0;
        sysctls[Sysctl.Ipv4(link, "arp_ignore")] = 1;
        // With high availability, the sender of an ARP request is the packet's own source: the first address is not an egress address.
        sysctls[Sysctl.Ipv4(link, "arp_announce")] = attachment.HighAvailability ? 0 : 2;
        if (facts.HasIpv6)
        {
            // If IPv6 is disabled, its other parameters do not matter.
            sysctls[Sysctl.Ipv6(link, "disable_ipv6")] = ipv6 ? 0 : 1;
        }

        if (ipv6)
        {
            sysctls[Sysctl.Ipv6(link, "accept_ra")] = 0;
            sysctls[Sysctl.Ipv6(link, "autoconf")] = 0;
            sysctls[Sysctl.Ipv6(link, "accept_redirects")] = 0;
            // No link-local address: only egress addresses are visible on the external network.
            sysctls[Sysctl.Ipv6(link, "addr_gen_mode")] = 1;
        }

        if (ipv4)
        {
            sysctls[Sysctl.Ipv4Forwarding(link)] = 1;
            sysctls[Sysctl.AnnounceIpv4(link)] = 1;
            // Off, because Multus may leave the main table without a route to a server, or with one through another attachment. If "all"
            // is set, loose is the weakest possible value.
            sysctls[Sysctl.ReversePathFilter(link)] = Value(facts, Sysctl.AllReversePathFilter) == 0 ? 0 : 2;
        }

        if (ipv4)
        {
            // Clients may use any interface, including one created later. The forward chain drops all other traffic.
            foreach (Sysctl forwarding in facts.OriginalSysctls.Keys.Where(sysctl => sysctl.IsIpv4Forwarding))
            {
                sysctls[forwarding] = 1;
            }

            foreach (string cluster in facts.ClientLinks.Where(cluster => IsStrict(facts, cluster)))
            {
                // The main table no longer has a route to clients outside the pod's subnets.
                sysctls[Sysctl.ReversePathFilter(cluster)] = 2;
            }
        }

        if (ipv6)
        {
            sysctls[Sysctl.Ipv6AllForwarding] = 1;
            sysctls[Sysctl.AnnounceIpv6(link)] = 1;
            foreach (string advertised in facts.OriginalDefaults.Concat(facts.ReturnRoutes)
                .Where(route => route.Family == AddressFamily.InterNetworkV6 && route.Origin == RouteProtocol.RouterAdvertisement)
                .Select(route => route.Device).OfType<string>())
            {
                // A forwarding pod would ignore the router advertisements that keep its addresses valid. The default route that they
                // create must not return to the main table.
                sysctls[Sysctl.AcceptAdvertisements(advertised)] = 2;
                sysctls[Sysctl.AcceptAdvertisedDefault(advertised)] = 0;
            }
        }

        return sysctls.ToImmutable();
    }

    /// <summary>Whether DEL must restore the parameter itself, because restoring its "all" parameter does not.</summary>
    private static bool IsChanged(Sysctl sysctl, int original, ImmutableSortedDictionary<Sysctl, int> wanted, PodFacts facts) =>
        sysctl.AllLinksSysctl is Sysctl all && facts.OriginalSysctls.TryGetValue(all, out int value)
            && wanted.GetValueOrDefault(all, value) != value
            ? original != sysctl.ValueSetBy(value)
            : wanted.TryGetValue(sysctl, out int own) && own != original;

    /// <summary>The effective value is the higher of <c>all</c> and the link's own (ip-sysctl.rst).</summary>
    private static bool IsStrict(PodFacts facts, string cluster) =>
        Math.Max(Value(facts, Sysctl.AllReversePathFilter), Value(facts, Sysctl.ReversePathFilter(cluster))) == 1;

    private static int Value(PodFacts facts, Sysctl sysctl) => facts.OriginalSysctls.GetValueOrDefault(sysctl);
}
