using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.Neighbours;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Kernel;

/// <summary>
/// Tells the neighbours of the egress interface where its addresses are now: one that still knows them at another node's
/// hardware address would send there until its entry expires, which in a router can take hours.
/// </summary>
/// <remarks>
/// Everything is sent twice, a millisecond apart, and then no more: a plugin is a process that ends, a runtime waits
/// for its end, and a process left behind would have no one to look after it. Two rounds outlast a full queue; what
/// outlasts longer trouble is in the kernel: arp_notify and ndisc_notify announce again when the link is switched on or
/// changes its hardware address, and a pod asks for its gateway's hardware address before it can send anything, by which
/// the gateway, whose entry counts most, learns the pod's (RFC 826; RFC 4861, section 7.2.3). See docs/failover.md.
/// </remarks>
internal static class Announcer
{
    private const int Rounds = 2;

    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(1);

    /// <summary>Announces addresses on the calling thread's network namespace, as far as possible: never throws.</summary>
    /// <param name="link">The link that has them.</param>
    /// <param name="addresses">The addresses.</param>
    /// <param name="log">Hears of what fails.</param>
    public static void Announce(Link? link, IEnumerable<IPAddress> addresses, ILogger log)
    {
        if (link is not { HasNeighbours: true } || link.HardwareAddress is not MacAddress own)
        {
            // No Ethernet, or one without neighbours, such as an ipvlan of mode l3.
            log.Debug("addresses are not announced: the interface has no neighbours");
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
            using var socket = NeighbourSocket.Open(link.Name, link.Index, listen: false);
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
            log.Warning("not all is announced: {Message:l}", [failure.Message]);
        }
    }

    /// <summary>A frame that is lost does not keep back the others.</summary>
    private static NetlinkException? TrySend(NeighbourSocket socket, byte[] frame, string operation)
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

    /// <summary>Both forms of ARP, as some neighbours heed requests only and others replies only (RFC 5227, section 3).</summary>
    private static IEnumerable<(byte[] Frame, string Operation)> Frames(MacAddress own, IPAddress address)
    {
        string operation = $"announce {address}";
        return address.AddressFamily == AddressFamily.InterNetwork
            ? [(ArpPacket.Announcement(own, address).ToBroadcastFrame(), operation),
                (ArpPacket.AnnouncingReply(own, address).ToBroadcastFrame(), operation)]
            // An egress router forwards, and the kernel's own advertisements say so.
            : [(NeighbourMessage.Announcement(own, address, isRouter: true).ToMulticastFrame(), operation)];
    }
}
