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

/// <summary>Whether a connection is wanted.</summary>
/// <param name="mark">CTA_MARK.</param>
/// <param name="source">The source address after translation, 4 or 16 bytes.</param>
public delegate bool ConnectionSelector(uint mark, ReadOnlySpan<byte> source);

/// <summary>An event of conntrack.</summary>
/// <param name="Connection">The connection at that time. Updates and ends lack some of its properties, such as the time-out.</param>
/// <param name="Event">What happened.</param>
public sealed record ConnectionChange(ConntrackEntry Connection, ConnectionEvent Event)
{
    /// <summary>The receive buffer of a log: tens of thousands of events, some seconds of a busy machine.</summary>
    public const int LogReceiveBuffer = 16 * 1024 * 1024;

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

    /// <summary>
    /// Opens a monitor for a log, as <see cref="OpenMonitor"/>: it hears of ends only, or of starts too. Events that do not fit into the
    /// receive buffer are counted (<see cref="ChangeMonitor{T}.Lost"/>), and the others stay.
    /// </summary>
    /// <param name="isWanted">Selects connections before anything of them is read.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static ChangeMonitor<ConnectionChange> OpenLog(
        ConnectionSelector isWanted, bool withStarts, int receiveBuffer = LogReceiveBuffer)
    {
        ArgumentNullException.ThrowIfNull(isWanted);
        const string operation = "monitor tracked connections for a log";
        uint[] groups = withStarts ? [NFNLGRP_CONNTRACK_DESTROY, NFNLGRP_CONNTRACK_NEW] : [NFNLGRP_CONNTRACK_DESTROY];
        return new(
            KernelTransport.OpenMonitor(NetlinkProtocol.NETLINK_NETFILTER, operation, receiveBuffer, groups, countsLosses: true),
            operation, Selected(isWanted));
    }

    internal static ChangeReader<ConnectionChange> Selected(ConnectionSelector isWanted) =>
        message => IsWanted(message, isWanted) ? Read(message) : null;

    private static bool IsWanted(Message message, ConnectionSelector isWanted)
    {
        var fields = ExpressionFields.Of(message);
        if (!fields.Nested(CTA_TUPLE_REPLY, out ExpressionFields reply) || !reply.Nested(CTA_TUPLE_IP, out ExpressionFields addresses))
        {
            return false;
        }

        ReadOnlySpan<byte> address = addresses.Raw(CTA_IP_V4_DST);
        return isWanted(fields.Number(CTA_MARK) ?? 0, address.IsEmpty ? addresses.Raw(CTA_IP_V6_DST) : address);
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
