using System.Collections.Immutable;
using System.Net;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressDataPath.Kernel;

/// <summary>Asks and tells the neighbors of a node about egress addresses.</summary>
/// <param name="node">The network namespace of the node.</param>
/// <param name="log">Hears of announcements that failed.</param>
public sealed class Neighborhood(NetNamespace node, ILogger log)
{
    /// <summary>Finds other holders of addresses that the link does not have (RFC 5227, RFC 4862).</summary>
    /// <param name="link">The name of the link.</param>
    /// <param name="addresses">The addresses.</param>
    /// <param name="window">How long to ask.</param>
    /// <param name="stop">Ends it early.</param>
    /// <exception cref="NetlinkException">
    /// The link is gone, or nothing can be sent: nobody knows whether the addresses are free.
    /// </exception>
    public ImmutableArray<AddressConflict> Ask(string link, ImmutableArray<IPAddress> addresses, TimeSpan window, CancellationToken stop) =>
        node.Run(() => ConflictProbe.Find(
            Find(link) ?? throw new NetlinkException(ConflictProbe.Operation(addresses), Errno.ENODEV, $"there is no link {link}"),
            addresses, window, areAssigned: false, stop));

    /// <summary>Tells that this node has the addresses (RFC 5227, section 2.3; RFC 4861, section 7.2.6), as far as possible.</summary>
    public void Announce(string link, IEnumerable<IPAddress> addresses) => node.Run(() => Announcer.Announce(Find(link), addresses, log));

    private static Link? Find(string name)
    {
        using var socket = NetlinkSocket.OpenRoute();
        return socket.GetLink(name);
    }
}
