using Netlink.Wire;
using static Netlink.NetFilter.ConntrackConstants;

namespace Netlink.NetFilter;

/// <summary>What happened to a connection (NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY).</summary>
public enum ConnectionEvent
{
    /// <summary>It began: its first packet has left the machine.</summary>
    New,

    /// <summary>Its status, its TCP state or its mark changed.</summary>
    Updated,

    /// <summary>It ended, timed out or was deleted. Its counters are final.</summary>
    Ended,
}

/// <summary>An event of conntrack.</summary>
/// <param name="Connection">The connection at that time. Updates and ends lack some of its properties, such as the time-out.</param>
/// <param name="Event">What happened.</param>
public sealed record ConnectionChange(ConntrackEntry Connection, ConnectionEvent Event)
{
    /// <summary>
    /// Opens a monitor in the calling thread's network namespace. It hears of all connections that begin from now on, unless
    /// net.netfilter.nf_conntrack_events is 0.
    /// </summary>
    /// <param name="receiveBuffer">The size of the receive buffer in bytes; events beyond it are lost.</param>
    /// <exception cref="NetlinkException">The kernel refuses (EPERM: CAP_NET_ADMIN is missing).</exception>
    public static ChangeMonitor<ConnectionChange> OpenMonitor(int receiveBuffer = ChangeMonitor<ConnectionChange>.DefaultReceiveBuffer)
    {
        const string operation = "monitor tracked connections";
        return new(
            KernelTransport.OpenMonitor(
                NetlinkProtocol.NETLINK_NETFILTER, operation, receiveBuffer,
                [NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY]),
            operation, Read);
    }

    internal static ConnectionChange? Read(Message message) => message.Type switch
    {
        IPCTNL_MSG_CT_NEW => new ConnectionChange(
            ConntrackEntry.Read(message),
            (message.Flags & NetlinkProtocol.NLM_F_CREATE) != 0 ? ConnectionEvent.New : ConnectionEvent.Updated),
        IPCTNL_MSG_CT_DELETE => new ConnectionChange(ConntrackEntry.Read(message), ConnectionEvent.Ended),
        _ => null,
    };
}
