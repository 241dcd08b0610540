using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>Queries single routes of the node for links and gateways.</summary>
internal static class NodeRoutes
{
    /// <summary>
    /// Documentation addresses, to which only the default route leads (RFC 5737, RFC 3849, RFC 9637): rtnetlink has no request for
    /// the default route itself.
    /// </summary>
    private static readonly ImmutableArray<IPAddress> _documentationAddresses =
    [
        IPAddress.Parse("192.0.2.1"), IPAddress.Parse("198.51.100.1"), IPAddress.Parse("203.0.113.1"),
        IPAddress.Parse("2001:db8::1"), IPAddress.Parse("3fff::1"),
    ];

    /// <summary>The next hops of the node's default route; empty if it has none.</summary>
    /// <param name="node">A route socket in the node's namespace.</param>
    /// <param name="link">The index of the link whose next hops count, or null for all.</param>
    public static ImmutableArray<NextHop> DefaultHops(this NetlinkSocket node, AddressFamily family, int? link = null)
    {
        Route? route = _documentationAddresses.Where(address => address.AddressFamily == family)
            .Select(address => node.GetRoute(address, link))
            .FirstOrDefault(route => route is { PrefixLength: 0, Type: RouteType.Unicast });
        // If one next hop of a multipath route uses the link, the kernel returns all next hops.
        return route is null ? [] : [.. node.NextHopsOf(route).Where(hop => link is null || hop.OutputInterface == link)];
    }

    /// <summary>The next hops of a route to an on-link subnet, which have no gateway, or null for any other route.</summary>
    public static ImmutableArray<NextHop>? HopsOnLink(this NetlinkSocket node, Route? route) =>
        route is { Type: RouteType.Unicast, PrefixLength: > 0 }
        && node.NextHopsOf(route) is { Count: > 0 } hops && hops.All(hop => hop.Gateway is null)
            ? [.. hops]
            : null;
}
