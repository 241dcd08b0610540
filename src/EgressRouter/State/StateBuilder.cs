using System.Collections.Immutable;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State.Nftables;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>Makes desired states. Pure: what the node and the pod are comes in as facts.</summary>
public static class StateBuilder
{
    /// <summary>The last resort of both tables: a packet that has no other way is dropped, never sent another way.</summary>
    private const uint LastResortMetric = uint.MaxValue;

    /// <summary>The state in which the attachment does what its configuration says.</summary>
    public static NetworkState Present(Attachment attachment, OriginalPodState pod)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        ArgumentNullException.ThrowIfNull(pod);
        string link = attachment.Names.Interface;
        ImmutableSortedDictionary<Sysctl, int> sysctls = Sysctls(attachment, pod);
        bool InUse(RouteState route) => attachment.FamiliesInUse.Contains(route.Family);
        ImmutableArray<RouteState> returns = [.. pod.ReturnRoutes.Where(InUse)];
        var memory = new SavedState(
            [.. pod.OriginalDefaults.Where(InUse)],
            [.. returns.Except(pod.OriginalDefaults)],
            pod.NodeAddresses ?? attachment.Parent.Addresses,
            attachment.Owner,
            attachment.ClusterInterface,
            pod.OriginalSysctls.Where(original => IsChanged(original.Key, original.Value, sysctls, pod))
                .ToImmutableSortedDictionary());
        return new NetworkState
        {
            Link = new LinkState(
                link,
                attachment.Kind,
                new ParentLink(attachment.Parent.Index, attachment.Parent.Name),
                attachment.Settings with { Group = AttachmentNames.LinkGroup, IsUp = true }),
            Addresses = attachment.Addresses,
            Routes = [.. attachment.FamiliesInUse.SelectMany(family => Routes(attachment, pod, returns, family))],
            Rules = [.. attachment.FamiliesInUse.SelectMany(family => Rules(attachment.Names, memory.NodeAddresses, returns, family))],
            Table = NftRuleset.Build(attachment, pod, memory.ToLines()),
            Sysctls = sysctls,
        };
    }

    /// <summary>
    /// The state in which the IPAM plugin is asked for addresses: the interface is there, since the dhcp plugin sends from
    /// it, and already filters everything, since that plugin switches it on.
    /// </summary>
    public static NetworkState Reserved(Attachment attachment, OriginalPodState pod)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        NetworkState state = Present(attachment with { Addresses = [], Gateways = [], Destinations = [] }, pod);
        return state with { Link = state.Link! with { Settings = state.Link.Settings with { IsUp = null } } };
    }

    /// <summary>The state in which the attachment never was: gone, with what it had changed put back.</summary>
    public static NetworkState Removed(SavedState memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        return NetworkState.Absent with { Routes = memory.Defaults, Sysctls = memory.Sysctls };
    }

    /// <summary>The attachment's rules that its name alone tells: all but those of the node's addresses.</summary>
    public static ImmutableArray<RoutingRule> RulesOf(AttachmentNames names) =>
        [.. Families.All.SelectMany(family => Rules(names, [], [], family))];

    private static IEnumerable<RouteState> Routes(
        Attachment attachment, OriginalPodState pod, ImmutableArray<RouteState> returns, AddressFamily family)
    {
        AttachmentNames names = attachment.Names;
        bool ipv4 = family == AddressFamily.InterNetwork;
        uint metric = ipv4 ? 0 : RouteState.DefaultIpv6Metric;
        RouteScope onLink = ipv4 ? RouteScope.Link : RouteScope.Universe;
        System.Net.IPAddress gateway = attachment.GatewayOf(family);
        var anywhere = new RouteState { Family = family, Destination = family.Any() };
        RouteState lastResort = anywhere with { Type = RouteType.Unreachable, Metric = LastResortMetric };
        RouteState egress = anywhere with { Gateway = gateway, Device = names.Interface, Metric = metric };

        // The return table first, the pod's own default route last: replies must never take the wrong way.
        foreach (RouteState back in returns.Where(route => route.Family == family))
        {
            yield return back with { Table = names.ReturnTable };
        }

        yield return lastResort with { Table = names.ReturnTable };

        // Addresses of one subnet share its route, whose source is the first of them.
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
            // The kernel makes this one with the address; an IPv6 one has a metric of its own.
            yield return connected with
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
        if (!pod.DefaultsOfOthers.Contains(family))
        {
            // The kernel would make one route of ours and of a default route that another plugin adds later. While no other
            // way back is known, that one is the way to far clients, and has to be found first.
            bool isFirst = ipv4 || returns.Any(route => route.Family == family);
            foreach (RouteState route in ByGateway(isFirst ? egress : egress with { Metric = metric + 1 }))
            {
                yield return route;
            }
        }
    }

    /// <summary>The gateway's own route, which makes the default route valid wherever the gateway is, and the default route.</summary>
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
        // Neither a macvlan nor an ipvlan reaches its own parent: the node's addresses are reached by the cluster network.
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
        // The pod's own routes to cluster networks come first, but never those that leave by an egress interface.
        yield return reply with
        {
            Priority = AttachmentNames.ClusterRulePriority,
            Table = Route.MainTable,
            SuppressGroup = AttachmentNames.LinkGroup,
        };
        yield return reply with { Priority = AttachmentNames.MarkRulePriority, Table = names.ReturnTable };
        yield return reply with { Priority = AttachmentNames.MarkRulePriority, Mark = names.EgressMark, Table = names.EgressTable };
    }

    private static ImmutableSortedDictionary<Sysctl, int> Sysctls(Attachment attachment, OriginalPodState pod)
    {
        string link = attachment.Names.Interface;
        ImmutableSortedDictionary<Sysctl, int>.Builder sysctls = ImmutableSortedDictionary.CreateBuilder<Sysctl, int>();
        bool ipv4 = attachment.FamiliesInUse.Contains(AddressFamily.InterNetwork);
        bool ipv6 = attachment.FamiliesInUse.Contains(AddressFamily.InterNetworkV6);

        // The outside is a network that we do not trust: it must not change routes or use the pod as its way in.
        sysctls[Sysctl.Ipv4(link, "accept_redirects")] = 0;
        sysctls[Sysctl.Ipv4(link, "proxy_arp")] = 0;
        sysctls[Sysctl.Ipv4(link, "arp_ignore")] = 1;
        sysctls[Sysctl.Ipv4(link, "arp_announce")] = 2;
        if (pod.HasIpv6)
        {
            // Without IPv6 nothing else of it matters.
            sysctls[Sysctl.Ipv6(link, "disable_ipv6")] = ipv6 ? 0 : 1;
        }

        if (ipv6)
        {
            sysctls[Sysctl.Ipv6(link, "accept_ra")] = 0;
            sysctls[Sysctl.Ipv6(link, "autoconf")] = 0;
            sysctls[Sysctl.Ipv6(link, "accept_redirects")] = 0;
            // No link-local address: only egress addresses are seen on the outside.
            sysctls[Sysctl.Ipv6(link, "addr_gen_mode")] = 1;
        }

        if (ipv4)
        {
            sysctls[Sysctl.Ipv4Forwarding(link)] = 1;
            sysctls[Sysctl.AnnounceIpv4(link)] = 1;
            // None: Multus may leave the main table without a way back to a server, or with one by another attachment.
            // Where "all" forbids that, loose is the least.
            sysctls[Sysctl.ReversePathFilter(link)] = Value(pod, Sysctl.AllReversePathFilter) == 0 ? 0 : 2;
        }

        if (ipv4)
        {
            // By whatever interface clients come, also by one that is made later. The forward chain keeps all else out.
            foreach (Sysctl forwarding in pod.OriginalSysctls.Keys.Where(sysctl => sysctl.IsIpv4Forwarding))
            {
                sysctls[forwarding] = 1;
            }

            foreach (string cluster in pod.ClientLinks.Where(cluster => IsStrict(pod, cluster)))
            {
                // A client beyond the pod's subnet is no longer routed back by the main table.
                sysctls[Sysctl.ReversePathFilter(cluster)] = 2;
            }
        }

        if (ipv6)
        {
            sysctls[Sysctl.Ipv6AllForwarding] = 1;
            sysctls[Sysctl.AnnounceIpv6(link)] = 1;
            foreach (string advertised in pod.OriginalDefaults.Concat(pod.ReturnRoutes)
                .Where(route => route.Family == AddressFamily.InterNetworkV6 && route.Origin == RouteProtocol.RouterAdvertisement)
                .Select(route => route.Device).OfType<string>())
            {
                // A pod that forwards would no longer hear the advertisements that keep its addresses alive; but the
                // default route that they make is not to come back to the main table.
                sysctls[Sysctl.AcceptAdvertisements(advertised)] = 2;
                sysctls[Sysctl.AcceptAdvertisedDefault(advertised)] = 0;
            }
        }

        return sysctls.ToImmutable();
    }

    /// <summary>Whether DEL has to put the parameter back: what the kernel puts back with its switch, it has not.</summary>
    private static bool IsChanged(Sysctl sysctl, int original, ImmutableSortedDictionary<Sysctl, int> wanted, OriginalPodState pod) =>
        sysctl.Switch is Sysctl all && pod.OriginalSysctls.TryGetValue(all, out int value) && wanted.GetValueOrDefault(all, value) != value
            ? original != sysctl.WithSwitch(value)
            : wanted.TryGetValue(sysctl, out int own) && own != original;

    /// <summary>The higher of <c>all</c> and the link's own value is in force (ip-sysctl.rst).</summary>
    private static bool IsStrict(OriginalPodState pod, string cluster) =>
        Math.Max(Value(pod, Sysctl.AllReversePathFilter), Value(pod, Sysctl.ReversePathFilter(cluster))) == 1;

    private static int Value(OriginalPodState pod, Sysctl sysctl) => pod.OriginalSysctls.GetValueOrDefault(sysctl);
}
