namespace Netlink.NetFilter;

/// <summary>Constants of ctnetlink (linux/netfilter/nfnetlink_conntrack.h).</summary>
internal static class ConntrackConstants
{
    public const byte Unspecified = 0;

    private const ushort NFNL_SUBSYS_CTNETLINK = 1;

    public const ushort IPCTNL_MSG_CT_NEW = (NFNL_SUBSYS_CTNETLINK << 8) | 0;
    public const ushort IPCTNL_MSG_CT_GET = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
    public const ushort IPCTNL_MSG_CT_DELETE = (NFNL_SUBSYS_CTNETLINK << 8) | 2;

    public const ushort IPCTNL_MSG_CT_GET_STATS_CPU = (NFNL_SUBSYS_CTNETLINK << 8) | 4;

    public const ushort CTA_TUPLE_ORIG = 1;
    public const ushort CTA_TUPLE_REPLY = 2;
    public const ushort CTA_STATUS = 3;
    public const ushort CTA_PROTOINFO = 4;
    public const ushort CTA_NAT_SRC = 6;
    public const ushort CTA_TIMEOUT = 7;
    public const ushort CTA_MARK = 8;
    public const ushort CTA_COUNTERS_ORIG = 9;
    public const ushort CTA_COUNTERS_REPLY = 10;
    public const ushort CTA_ID = 12;
    public const ushort CTA_NAT_DST = 13;
    public const ushort CTA_ZONE = 18;
    public const ushort CTA_TIMESTAMP = 20;
    public const ushort CTA_MARK_MASK = 21;
    public const ushort CTA_FILTER = 25;

    public const ushort CTA_STATS_INSERT_FAILED = 9;

    public const ushort CTA_TUPLE_IP = 1;
    public const ushort CTA_TUPLE_PROTO = 2;
    public const ushort CTA_IP_V4_SRC = 1;
    public const ushort CTA_IP_V4_DST = 2;
    public const ushort CTA_IP_V6_SRC = 3;
    public const ushort CTA_IP_V6_DST = 4;
    public const ushort CTA_PROTO_NUM = 1;
    public const ushort CTA_PROTO_SRC_PORT = 2;
    public const ushort CTA_PROTO_DST_PORT = 3;

    public const ushort CTA_PROTOINFO_TCP = 1;
    public const ushort CTA_PROTOINFO_TCP_STATE = 1;
    public const ushort CTA_PROTOINFO_TCP_FLAGS_ORIGINAL = 4;
    public const ushort CTA_PROTOINFO_TCP_FLAGS_REPLY = 5;
    public const byte IP_CT_TCP_FLAG_BE_LIBERAL = 8;

    public const ushort CTA_NAT_V4_MINIP = 1;
    public const ushort CTA_NAT_V4_MAXIP = 2;
    public const ushort CTA_NAT_PROTO = 3;
    public const ushort CTA_NAT_V6_MINIP = 4;
    public const ushort CTA_NAT_V6_MAXIP = 5;
    public const ushort CTA_PROTONAT_PORT_MIN = 1;
    public const ushort CTA_PROTONAT_PORT_MAX = 2;

    public const ushort CTA_COUNTERS_PACKETS = 1;
    public const ushort CTA_COUNTERS_BYTES = 2;

    public const ushort CTA_TIMESTAMP_START = 1;
    public const ushort CTA_TIMESTAMP_STOP = 2;

    public const ushort CTA_FILTER_ORIG_FLAGS = 1;
    public const ushort CTA_FILTER_REPLY_FLAGS = 2;

    /// <summary>CTA_FILTER_F_CTA_IP_SRC and CTA_FILTER_F_CTA_IP_DST (net/netfilter/nf_conntrack_netlink.c).</summary>
    public const uint FilterBySource = 1;
    public const uint FilterByDestination = 2;

    public const uint NFNLGRP_CONNTRACK_NEW = 1;
    public const uint NFNLGRP_CONNTRACK_UPDATE = 2;
    public const uint NFNLGRP_CONNTRACK_DESTROY = 3;
}
