using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>What the node's routes tell of its links and gateways, asked for one by one.</summary>
internal static class NodeRoutes
{
    /// <summary>
    /// Addresses that no table has a route for but the default one (RFC 5737, RFC 3849, RFC 9637): the kernel has no
    /// question for the default route itself.
    /// </summary>
    private static readonly ImmutableArray<IPAddress> _nowhereElse =
    [
        IPAddress.Parse("192.0.2.1"), IPAddress.Parse("198.51.100.1"), IPAddress.Parse("203.0.113.1"),
        IPAddress.Parse("2001:db8::1"), IPAddress.Parse("3fff::1"),
    ];

    /// <summary>The next hops of the node's default route; none if it has none.</summary>
    /// <param name="node">A route socket of the node's namespace.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="link">Only those by this link; null for all.</param>
    public static ImmutableArray<NextHop> DefaultHops(this NetlinkSocket node, AddressFamily family, int? link = null)
    {
        Route? route = _nowhereElse.Where(address => address.AddressFamily == family)
            .Select(address => node.GetRoute(address, link))
            .FirstOrDefault(route => route is { PrefixLength: 0, Type: RouteType.Unicast });
        // Of a route with several next hops, one by the link is enough for the kernel to answer with all of them.
        return route is null ? [] : [.. node.NextHopsOf(route).Where(hop => link is null || hop.OutputInterface == link)];
    }

    /// <summary>The next hops of a route to a subnet that is on a link: they have no gateway. Null for any other route.</summary>
    public static ImmutableArray<NextHop>? HopsOnLink(this NetlinkSocket node, Route? route) =>
        route is { Type: RouteType.Unicast, PrefixLength: > 0 }
        && node.NextHopsOf(route) is { Count: > 0 } hops && hops.All(hop => hop.Gateway is null)
            ? [.. hops]
            : null;
}
