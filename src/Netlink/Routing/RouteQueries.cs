using System.Net;
using System.Net.Sockets;
using Netlink.Wire;
using static Netlink.Routing.RouteProtocol;

namespace Netlink.Routing;

/// <summary>Questions to a route socket.</summary>
public static class RouteQueries
{
    /// <summary>The link of this name, or null.</summary>
    public static Link? GetLink(this NetlinkSocket socket, string name) => GetLink(socket, 0, name, $"read link {name}");

    /// <summary>The link of this index, or null.</summary>
    public static Link? GetLink(this NetlinkSocket socket, int index) => GetLink(socket, index, null, $"read link {index}");

    /// <summary>All links of the namespace. Not for a node, which may have thousands.</summary>
    public static IReadOnlyList<Link> ListLinks(this NetlinkSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var request = new MessageWriter(64);
        request.BeginMessage(RTM_GETLINK, 0);
        RouteRequests.WriteLinkHeader(request, 0, 0, 0);
        request.AttributeUInt32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        request.EndMessage();
        return Dump(socket, request, "list links", RTM_NEWLINK, Link.Read);
    }

    /// <summary>All addresses of one link, of both families.</summary>
    public static IReadOnlyList<LinkAddress> ListAddresses(this NetlinkSocket socket, int linkIndex)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var request = new MessageWriter(64);
        request.BeginMessage(RTM_GETADDR, 0);
        request.UInt32(KernelFamily.AF_UNSPEC);
        request.Int32(linkIndex);
        request.EndMessage();
        return Dump(socket, request, $"list addresses of link {linkIndex}", RTM_NEWADDR, LinkAddress.Read);
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
        var request = new MessageWriter(64);
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
        Route? route = null;
        // What "unreachable", "prohibit" and "blackhole" routes answer with counts as unreachable.
        ReadOnlySpan<int> unreachable = [Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.EACCES, Errno.ESRCH];
        socket.Get(request, $"find the route to {destination}", unreachable, message => route = Route.Read(message));
        return route is { Type: RouteType.Blackhole or RouteType.Unreachable or RouteType.Prohibit } ? null : route;
    }

    /// <summary>All routes of one table and family; none where the table does not exist.</summary>
    public static IReadOnlyList<Route> ListRoutes(this NetlinkSocket socket, AddressFamily family, uint table)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var request = new MessageWriter(64);
        request.BeginMessage(RTM_GETROUTE, 0);
        request.Byte(KernelFamily.Of(family));
        request.Byte(0);
        request.UInt16(0);
        request.UInt32(0);
        request.UInt32(0);
        request.AttributeUInt32(RTA_TABLE, table);
        request.EndMessage();
        try
        {
            return Dump(socket, request, $"list routes of table {table}", RTM_NEWROUTE, Route.Read, family);
        }
        catch (NetlinkException absent) when (absent.Number == Errno.ENOENT)
        {
            return [];
        }
    }

    /// <summary>All rules of one family; none where the kernel lacks the family.</summary>
    public static IReadOnlyList<RoutingRule> ListRules(this NetlinkSocket socket, AddressFamily family)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var request = new MessageWriter(64);
        request.BeginMessage(RTM_GETRULE, 0);
        request.Byte(KernelFamily.Of(family));
        request.Byte(0);
        request.UInt16(0);
        request.UInt32(0);
        request.UInt32(0);
        request.EndMessage();
        try
        {
            return Dump(socket, request, "list routing rules", RTM_NEWRULE, RoutingRule.Read, family);
        }
        catch (NetlinkException absent) when (absent.Number == Errno.EAFNOSUPPORT)
        {
            return [];
        }
    }

    private delegate T MessageParser<T>(Message message);

    private static List<T> Dump<T>(
        NetlinkSocket socket, MessageWriter request, string operation, ushort type, MessageParser<T> read, AddressFamily? family = null)
    {
        // Where the kernel lacks a family, it answers with those that it has. Every answer starts with its family.
        byte? wanted = family is AddressFamily given ? KernelFamily.Of(given) : null;
        var found = new List<T>();
        socket.Dump(request, operation, found.Clear, message =>
        {
            if (message.Type == type && (wanted is null || (message.Payload.Length > 0 && message.Payload[0] == wanted)))
            {
                found.Add(read(message));
            }
        });
        return found;
    }

    private static Link? GetLink(NetlinkSocket socket, int index, string? name, string operation)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var request = new MessageWriter(64);
        request.BeginMessage(RTM_GETLINK, 0);
        RouteRequests.WriteLinkHeader(request, index, 0, 0);
        if (name is not null)
        {
            request.AttributeString(IFLA_IFNAME, name);
        }

        request.AttributeUInt32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        request.EndMessage();
        Link? link = null;
        socket.Get(request, operation, [Errno.ENODEV], message => link = Link.Read(message));
        return link;
    }
}
