using System.Net;
using System.Net.Sockets;
using System.Text;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>Reads links, addresses, routes and rules through a route socket.</summary>
public static class RouteQueries
{
    /// <summary>IFNAMSIZ without the NUL.</summary>
    private const int MaxNameBytes = 15;

    /// <summary>The link with this name or alternative name (<c>altname</c>), or null.</summary>
    public static Link? GetLink(this NetlinkSocket socket, string name) => GetLink(socket, 0, name, $"read link {name}");

    /// <summary>The link with this name, or null. Alternative names are ignored, because a pod can give them to any link.</summary>
    public static Link? GetLinkNamed(this NetlinkSocket socket, string name) =>
        socket.GetLink(name) is Link link && link.Name == name ? link : null;

    /// <summary>The link with this index, or null.</summary>
    public static Link? GetLink(this NetlinkSocket socket, int index) => GetLink(socket, index, null, $"read the link of index {index}");

    /// <summary>Lists all links of the namespace. Not for the node's namespace, which can have thousands.</summary>
    public static IReadOnlyList<Link> ListLinks(this NetlinkSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        NetlinkRequest list = ListOfLinks(out List<Link> links);
        socket.Ask(list);
        return links;
    }

    /// <summary>Lists the links of one kind, such as <c>ipvlan</c>.</summary>
    public static IReadOnlyList<Link> ListLinks(this NetlinkSocket socket, string kind)
    {
        ArgumentNullException.ThrowIfNull(socket);
        NetlinkRequest list = List($"list {kind} links", RTM_NEWLINK, Link.Read, out List<Link> links, link => link.Kind?.Name == kind);
        MessageWriter request = list.Request;
        request.BeginMessage(RTM_GETLINK, 0);
        RouteRequests.WriteLinkHeader(request, 0, 0, 0);
        int information = request.BeginNested(IFLA_LINKINFO);
        request.Attribute(IFLA_INFO_KIND, Encoding.UTF8.GetBytes(kind));
        request.EndNested(information);
        request.EndMessage();
        socket.Ask(list);
        return links;
    }

    /// <summary>
    /// The ID that the socket's namespace has assigned to another namespace (nsid). Null if it has none; then no link of the
    /// socket's namespace has a parent in the other one.
    /// </summary>
    public static int? NumberOf(this NetlinkSocket socket, NetNamespace other)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(other);
        int number = -1;
        NetlinkRequest question = NetlinkRequest.Get("find the number of a namespace", [], message =>
        {
            AttributeReader attributes = message.Attributes(NamespaceHeaderLength);
            while (attributes.Next(out Wire.Attribute attribute))
            {
                number = attribute.Type == NETNSA_NSID ? attribute.Int32() : number;
            }
        });
        MessageWriter request = question.Request;
        request.BeginMessage(RTM_GETNSID, 0);
        request.UInt32(0); // family, padding
        request.AttributeUInt32(NETNSA_FD, (uint)other.Descriptor);
        request.EndMessage();
        socket.Ask(question);
        return number < 0 ? null : number;
    }

    /// <summary>
    /// Lists all links of the namespace and reads its sysctls, with one send. Not for the node's namespace, which can have
    /// thousands of links.
    /// </summary>
    public static (IReadOnlyList<Link> Links, NamespaceSysctls Parameters) ListLinksAndSysctls(this NetlinkSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        NetlinkRequest list = ListOfLinks(out List<Link> links);
        var parameters = new NamespaceSysctls();
        socket.Ask([.. parameters.Questions(), list]);
        return (links, parameters);
    }

    /// <summary>Lists the IPv4 and IPv6 addresses of a link.</summary>
    public static IReadOnlyList<LinkAddress> ListAddresses(this NetlinkSocket socket, Link link)
    {
        ArgumentNullException.ThrowIfNull(link);
        return ListAddresses(socket, link.Index, $"list addresses of {link.Name}", _ => true);
    }

    /// <summary>Lists selected IPv4 and IPv6 addresses of all links.</summary>
    /// <param name="socket">A route socket.</param>
    /// <param name="isWanted">Selects addresses during the dump, which may be long.</param>
    public static IReadOnlyList<LinkAddress> ListAddresses(this NetlinkSocket socket, Predicate<LinkAddress> isWanted) =>
        ListAddresses(socket, 0, "list addresses", isWanted);

    /// <summary>
    /// Looks up the route for a destination; returns the entry of the routing table (RTM_F_FIB_MATCH), or null if the
    /// destination is unreachable.
    /// </summary>
    /// <param name="socket">A route socket.</param>
    /// <param name="destination">The destination address.</param>
    /// <param name="outputInterface">Restricts the lookup to this output interface; null for any.</param>
    /// <param name="mark">The packet's mark, for routing rules; null for none.</param>
    public static Route? GetRoute(this NetlinkSocket socket, IPAddress destination, int? outputInterface = null, uint? mark = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(destination);
        Route? route = null;
        // These include the errors of "unreachable", "prohibit" and "blackhole" routes.
        int[] unreachable = [Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.EACCES, Errno.ESRCH];
        NetlinkRequest question = NetlinkRequest.Get(
            $"find the route to {destination}", unreachable, message => route = Route.Read(message));
        MessageWriter request = question.Request;
        request.BeginMessage(RTM_GETROUTE, 0);
        request.Byte(KernelFamily.Of(destination));
        request.Byte(destination.AddressFamily == AddressFamily.InterNetwork ? (byte)32 : (byte)128);
        request.UInt16(0);
        request.UInt32(0);
        request.UInt32(RTM_F_FIB_MATCH);
        request.AttributeAddress(RTA_DST, destination);
        if (outputInterface is int index)
        {
            request.AttributeUInt32(RTA_OIF, (uint)index);
        }

        if (mark is uint value)
        {
            request.AttributeUInt32(RTA_MARK, value);
        }

        request.EndMessage();
        socket.Ask(question);
        return route is { Type: RouteType.Blackhole or RouteType.Unreachable or RouteType.Prohibit } ? null : route;
    }

    /// <summary>The next hops of a route; reads its next-hop object if necessary.</summary>
    /// <param name="socket">A route socket in the namespace of the route.</param>
    /// <param name="route">The route.</param>
    public static IReadOnlyList<NextHop> NextHopsOf(this NetlinkSocket socket, Route route)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(route);
        // With the sysctl nexthop_compat_mode=0 a route contains only the object's ID.
        return route.NextHops() is { Count: > 0 } hops ? hops
            : route.NextHopObject() is uint id ? [.. HopsOfObject(socket, id)]
            : [];
    }

    /// <summary>Lists selected IPv4 and IPv6 routes of all tables, including the local table.</summary>
    /// <param name="socket">A route socket.</param>
    /// <param name="isWanted">Selects routes during the dump, which may be long.</param>
    public static IReadOnlyList<Route> ListRoutes(this NetlinkSocket socket, Predicate<Route> isWanted)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(isWanted);
        NetlinkRequest list = List("list routes", RTM_NEWROUTE, Route.Read, out List<Route> routes, isWanted, isOfIp: true);
        MessageWriter request = list.Request;
        request.BeginMessage(RTM_GETROUTE, 0);
        request.UInt32(KernelFamily.AF_UNSPEC);
        request.UInt32(0);
        request.UInt32(0);
        request.EndMessage();
        socket.Ask(list);
        return routes;
    }

    /// <summary>Lists selected IPv4 and IPv6 rules.</summary>
    /// <param name="socket">A route socket.</param>
    /// <param name="isWanted">Selects rules during the dump, which may be long.</param>
    public static IReadOnlyList<RoutingRule> ListRules(this NetlinkSocket socket, Predicate<RoutingRule> isWanted)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(isWanted);
        NetlinkRequest list = List(
            "list routing rules", RTM_NEWRULE, RoutingRule.Read, out List<RoutingRule> rules, isWanted, isOfIp: true);
        MessageWriter request = list.Request;
        request.BeginMessage(RTM_GETRULE, 0);
        request.UInt32(KernelFamily.AF_UNSPEC);
        request.UInt32(0);
        request.UInt32(0);
        request.EndMessage();
        socket.Ask(list);
        return rules;
    }

    private delegate T MessageParser<T>(Message message);

    private static List<LinkAddress> ListAddresses(NetlinkSocket socket, int index, string operation, Predicate<LinkAddress> isWanted)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(isWanted);
        NetlinkRequest list = List(operation, RTM_NEWADDR, LinkAddress.Read, out List<LinkAddress> addresses, isWanted, isOfIp: true);
        MessageWriter request = list.Request;
        request.BeginMessage(RTM_GETADDR, 0);
        request.UInt32(KernelFamily.AF_UNSPEC);
        request.Int32(index);
        request.EndMessage();
        socket.Ask(list);
        return addresses;
    }

    private static IEnumerable<NextHop> HopsOfObject(NetlinkSocket socket, uint id)
    {
        NextHop? hop = null;
        IReadOnlyList<uint> group = [];
        NetlinkRequest question = NetlinkRequest.Get(
            $"read next hop {id}", [Errno.ENOENT], message => hop = NextHop.Read(message, out group));
        MessageWriter request = question.Request;
        request.BeginMessage(RTM_GETNEXTHOP, 0);
        request.UInt32(0); // family, scope, protocol, padding
        request.UInt32(0); // flags
        request.AttributeUInt32(NHA_ID, id);
        request.EndMessage();
        socket.Ask(question);
        // The members of a group are not groups.
        return group.Count > 0 ? group.SelectMany(member => HopsOfObject(socket, member)) : hop is NextHop one ? [one] : [];
    }

    private static NetlinkRequest ListOfLinks(out List<Link> links)
    {
        NetlinkRequest list = List("list links", RTM_NEWLINK, Link.Read, out links);
        list.Request.BeginMessage(RTM_GETLINK, 0);
        RouteRequests.WriteLinkHeader(list.Request, 0, 0, 0);
        list.Request.AttributeUInt32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        list.Request.EndMessage();
        return list;
    }

    /// <summary>A dump request without its message. A dump of all families can contain others than IPv4 and IPv6.</summary>
    private static NetlinkRequest List<T>(
        string operation, ushort type, MessageParser<T> read, out List<T> found, Predicate<T>? isWanted = null, bool isOfIp = false)
    {
        var items = found = [];
        return NetlinkRequest.Dump(operation, items.Clear, message =>
        {
            if (message.Type != type || (isOfIp && message.Payload is not [KernelFamily.AF_INET or KernelFamily.AF_INET6, ..]))
            {
                return false;
            }

            T item = read(message);
            bool isKept = isWanted?.Invoke(item) ?? true;
            if (isKept)
            {
                items.Add(item);
            }

            return isKept;
        });
    }

    private static Link? GetLink(NetlinkSocket socket, int index, string? name, string operation)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Link? link = null;
        NetlinkRequest question = NetlinkRequest.Get(operation, [Errno.ENODEV], message => link = Link.Read(message));
        MessageWriter request = question.Request;
        request.BeginMessage(RTM_GETLINK, 0);
        RouteRequests.WriteLinkHeader(request, index, 0, 0);
        if (name is not null)
        {
            // Both attributes match names and alternative names; only IFLA_ALT_IFNAME accepts long ones.
            request.AttributeString(Encoding.UTF8.GetByteCount(name) > MaxNameBytes ? IFLA_ALT_IFNAME : IFLA_IFNAME, name);
        }

        request.AttributeUInt32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        request.EndMessage();
        socket.Ask(question);
        return link;
    }
}
