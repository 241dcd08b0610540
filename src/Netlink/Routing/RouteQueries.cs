using System.Net;
using System.Net.Sockets;
using System.Text;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>Questions to a route socket.</summary>
public static class RouteQueries
{
    /// <summary>The longest name of a link in bytes: IFNAMSIZ without the NUL.</summary>
    private const int MaxNameBytes = 15;

    /// <summary>The link of this name, or with this alternative name (<c>altname</c>); null if there is none.</summary>
    public static Link? GetLink(this NetlinkSocket socket, string name) => GetLink(socket, 0, name, $"read link {name}");

    /// <summary>The link of this name, or null. An alternative name, which a pod can give to any link, does not count.</summary>
    public static Link? GetLinkNamed(this NetlinkSocket socket, string name) =>
        socket.GetLink(name) is Link link && link.Name == name ? link : null;

    /// <summary>The link of this index, or null.</summary>
    public static Link? GetLink(this NetlinkSocket socket, int index) => GetLink(socket, index, null, $"read the link of index {index}");

    /// <summary>All links of the namespace. Not for a node, which may have thousands.</summary>
    public static IReadOnlyList<Link> ListLinks(this NetlinkSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        NetlinkRequest list = ListOfLinks(out List<Link> links);
        socket.Ask(list);
        return links;
    }

    /// <summary>The links of one kind, such as <c>ipvlan</c>.</summary>
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
    /// The number that the socket's namespace has for another; null if it has none, so that no link of it has a parent there.
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
    /// All links of the namespace, and what holds for all of them, in one exchange. Not for a node, which may have thousands.
    /// </summary>
    public static (IReadOnlyList<Link> Links, NamespaceSysctls Parameters) ListLinksAndSysctls(this NetlinkSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        NetlinkRequest list = ListOfLinks(out List<Link> links);
        var parameters = new NamespaceSysctls();
        socket.Ask([.. parameters.Questions(), list]);
        return (links, parameters);
    }

    /// <summary>All addresses of one link, of both families.</summary>
    public static IReadOnlyList<LinkAddress> ListAddresses(this NetlinkSocket socket, Link link)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(link);
        NetlinkRequest list = List($"list addresses of {link.Name}", RTM_NEWADDR, LinkAddress.Read, out List<LinkAddress> addresses);
        MessageWriter request = list.Request;
        request.BeginMessage(RTM_GETADDR, 0);
        request.UInt32(KernelFamily.AF_UNSPEC);
        request.Int32(link.Index);
        request.EndMessage();
        socket.Ask(list);
        return addresses;
    }

    /// <summary>
    /// The route of the table that a packet to this address would take, as the table has it (RTM_F_FIB_MATCH); null
    /// where the address cannot be reached.
    /// </summary>
    /// <param name="socket">A route socket.</param>
    /// <param name="destination">The address.</param>
    /// <param name="outputInterface">Only routes that leave by this link; null for any.</param>
    /// <param name="mark">The packet's mark, which rules may look at; null for none.</param>
    public static Route? GetRoute(this NetlinkSocket socket, IPAddress destination, int? outputInterface = null, uint? mark = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(destination);
        Route? route = null;
        // What "unreachable", "prohibit" and "blackhole" routes answer with counts as unreachable.
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

    /// <summary>Where a route leads, with what the kernel knows of the next-hop object that it names.</summary>
    /// <param name="socket">The socket that the route was asked by.</param>
    /// <param name="route">The route.</param>
    public static IReadOnlyList<NextHop> NextHopsOf(this NetlinkSocket socket, Route route)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(route);
        // With the sysctl nexthop_compat_mode=0, routes tell no more than the object's number.
        return route.NextHops() is { Count: > 0 } hops ? hops
            : route.NextHopObject() is uint id ? [.. HopsOfObject(socket, id)]
            : [];
    }

    /// <summary>
    /// The routes of all tables, of both families, that are wanted; among them are those to the namespace's own addresses.
    /// </summary>
    /// <param name="socket">A route socket.</param>
    /// <param name="isWanted">Picks them while they are read: there may be many more.</param>
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

    /// <summary>The rules of both families that are wanted.</summary>
    /// <param name="socket">A route socket.</param>
    /// <param name="isWanted">Picks them while they are read: there may be many more.</param>
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
        // A group has no groups in it.
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

    /// <summary>A question for a list, without its message. Of all families, the kernel has more than those of IP.</summary>
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
            // The kernel looks for either among both kinds of names; it takes a long one by this attribute only.
            request.AttributeString(Encoding.UTF8.GetByteCount(name) > MaxNameBytes ? IFLA_ALT_IFNAME : IFLA_IFNAME, name);
        }

        request.AttributeUInt32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        request.EndMessage();
        socket.Ask(question);
        return link;
    }
}
