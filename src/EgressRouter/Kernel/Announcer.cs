using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.Neighbors;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Kernel;

/// <summary>
/// Announces the egress addresses to neighbors: one with an old neighbor entry would send to another node until the entry
/// expires, which can take hours on a router.
/// </summary>
/// <remarks>
/// Everything is sent twice, one millisecond apart: a plugin is a short-lived process that the runtime waits for. Two rounds
/// survive a full queue. For longer outages the kernel helps: arp_notify and ndisc_notify announce again at link up and at a
/// change of the hardware address, and a pod must resolve its gateway before it can send, from which the gateway learns the pod's
/// hardware address (RFC 826; RFC 4861, section 7.2.3). See docs/failover.md.
/// </remarks>
internal static class Announcer
{
    private const int Rounds = 2;

    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(1);

    /// <summary>Announces addresses in the calling thread's network namespace, as far as possible. Never throws.</summary>
    /// <param name="link">The link that has the addresses.</param>
    /// <param name="log">Receives failures.</param>
    public static void Announce(Link? link, IEnumerable<IPAddress> addresses, ILogger log)
    {
        if (link is not { HasNeighbors: true } || link.HardwareAddress is not MacAddress own)
        {
            // Not Ethernet, or without neighbors, such as an ipvlan in l3 mode.
            log.Debug("addresses are not announced: the interface has no neighbors");
            return;
        }

        if (!link.HasCarrier)
        {
            log.Warning("addresses are not announced: {Link:l} has no carrier, its parent is down", [link.Name]);
            return;
        }

        NetlinkException? failure = null;
        try
        {
            (byte[] Frame, string Operation)[] frames = [.. addresses.SelectMany(address => Frames(own, address))];
            log.Verbose("announce the addresses of {Link:l}", [link.Name]);
            using var socket = NeighborSocket.Open(link.Name, link.Index, listen: false);
            for (int round = 0; round < Rounds; round++)
            {
                if (round > 0)
                {
                    Thread.Sleep(_interval);
                }

                foreach ((byte[] frame, string operation) in frames)
                {
                    failure = TrySend(socket, frame, operation) ?? failure;
                }
            }
        }
        catch (NetlinkException unusable)
        {
            failure = unusable;
        }

        if (failure is not null)
        {
            log.Warning("some announcements failed: {Message:l}", [failure.Message]);
        }
    }

    /// <summary>Returns the error, so that a lost frame does not stop the others.</summary>
    private static NetlinkException? TrySend(NeighborSocket socket, byte[] frame, string operation)
    {
        try
        {
            socket.Send(frame, operation);
            return null;
        }
        catch (NetlinkException lost)
        {
            return lost;
        }
    }

    /// <summary>Both forms of ARP: some neighbors accept only requests, others only replies (RFC 5227, section 3).</summary>
    private static IEnumerable<(byte[] Frame, string Operation)> Frames(MacAddress own, IPAddress address)
    {
        string operation = $"announce {address}";
        return address.AddressFamily == AddressFamily.InterNetwork
            ? [(ArpPacket.Announcement(own, address).ToBroadcastFrame(), operation),
                (ArpPacket.AnnouncingReply(own, address).ToBroadcastFrame(), operation)]
            // An egress router forwards, and the kernel's own advertisements have the router flag too.
            : [(NeighborMessage.Announcement(own, address, isRouter: true).ToMulticastFrame(), operation)];
    }
}
