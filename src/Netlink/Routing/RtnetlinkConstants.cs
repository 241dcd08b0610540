namespace Netlink.Routing;

/// <summary>Constants of rtnetlink (linux/rtnetlink.h, if_link.h, if_addr.h, fib_rules.h).</summary>
internal static class RtnetlinkConstants
{
    public const ushort RTM_NEWLINK = 16;
    public const ushort RTM_DELLINK = 17;
    public const ushort RTM_GETLINK = 18;
    public const ushort RTM_NEWADDR = 20;
    public const ushort RTM_DELADDR = 21;
    public const ushort RTM_GETADDR = 22;
    public const ushort RTM_NEWROUTE = 24;
    public const ushort RTM_DELROUTE = 25;
    public const ushort RTM_GETROUTE = 26;
    public const ushort RTM_NEWRULE = 32;
    public const ushort RTM_DELRULE = 33;
    public const ushort RTM_GETRULE = 34;

    public const ushort RTM_GETNSID = 90;
    public const ushort NETNSA_NSID = 1;
    public const ushort NETNSA_FD = 3;
    public const int NamespaceHeaderLength = 4;

    public const ushort RTM_NEWNETCONF = 80;
    public const ushort RTM_GETNETCONF = 82;
    public const ushort RTM_GETNEXTHOP = 106;

    public const int LinkHeaderLength = 16;
    public const int AddressHeaderLength = 8;
    public const int RouteHeaderLength = 12;
    public const int RuleHeaderLength = 12;

    public const uint IFF_UP = 0x1;
    public const uint IFF_RUNNING = 0x40;
    public const uint IFF_NOARP = 0x80;
    public const uint IFF_LOWER_UP = 0x1_0000;

    public const ushort IFLA_ADDRESS = 1;
    public const ushort IFLA_IFNAME = 3;
    public const ushort IFLA_MTU = 4;
    public const ushort IFLA_LINK = 5;
    public const ushort IFLA_LINKINFO = 18;
    public const ushort IFLA_AF_SPEC = 26;
    public const ushort IFLA_TXQLEN = 13;
    public const ushort IFLA_GROUP = 27;
    public const ushort IFLA_NET_NS_FD = 28;
    public const ushort IFLA_EXT_MASK = 29;
    public const ushort IFLA_LINK_NETNSID = 37;
    public const ushort IFLA_ALT_IFNAME = 53;
    public const ushort IFLA_INFO_KIND = 1;
    public const ushort IFLA_INFO_DATA = 2;
    public const ushort IFLA_MACVLAN_MODE = 1;
    public const ushort IFLA_VLAN_ID = 1;
    public const ushort IFLA_IPVLAN_MODE = 1;
    public const ushort IFLA_VXLAN_LEARNING = 7;
    public const ushort IFLA_VXLAN_PORT = 15;
    public const ushort IFLA_VXLAN_COLLECT_METADATA = 25;
    public const ushort IFLA_VXLAN_GPE = 27;
    public const uint RTEXT_FILTER_SKIP_STATS = 8;

    public const ushort IFLA_INET_CONF = 1;
    public const ushort IFLA_INET6_CONF = 2;
    public const ushort IFLA_INET6_ADDR_GEN_MODE = 8;

    public const int NetconfHeaderLength = 4;
    public const ushort NETCONFA_IFINDEX = 1;
    public const ushort NETCONFA_FORWARDING = 2;
    public const ushort NETCONFA_RP_FILTER = 3;
    public const int NETCONFA_IFINDEX_ALL = -1;
    public const int NETCONFA_IFINDEX_DEFAULT = -2;

    public const ushort IFA_ADDRESS = 1;
    public const ushort IFA_LOCAL = 2;
    public const ushort IFA_CACHEINFO = 6;
    public const ushort IFA_FLAGS = 8;
    public const ushort IFA_PROTO = 11;

    public const ushort RTA_DST = 1;
    public const ushort RTA_OIF = 4;
    public const ushort RTA_GATEWAY = 5;
    public const ushort RTA_PRIORITY = 6;
    public const ushort RTA_PREFSRC = 7;
    public const ushort RTA_METRICS = 8;
    public const ushort RTA_MULTIPATH = 9;
    public const ushort RTA_FLOW = 11;
    public const ushort RTA_CACHEINFO = 12;
    public const ushort RTA_TABLE = 15;
    public const ushort RTA_MARK = 16;
    public const ushort RTA_VIA = 18;
    public const ushort RTA_PREF = 20;
    public const ushort RTA_ENCAP_TYPE = 21;
    public const ushort RTA_ENCAP = 22;
    public const ushort RTA_EXPIRES = 23;
    public const ushort RTA_TTL_PROPAGATE = 26;
    public const ushort RTA_NH_ID = 30;
    public const uint RTM_F_FIB_MATCH = 0x2000;
    public const ushort RTAX_MTU = 2;

    public const ushort LWTUNNEL_ENCAP_IP = 2;
    public const ushort LWTUNNEL_ENCAP_IP6 = 4;
    public const ushort LWTUNNEL_IP_ID = 1;
    public const ushort LWTUNNEL_IP_DST = 2;
    public const ushort LWTUNNEL_IP_SRC = 3;
    public const ushort LWTUNNEL_IP_TTL = 4;
    public const ushort LWTUNNEL_IP_TOS = 5;
    public const ushort LWTUNNEL_IP_FLAGS = 6;

    public const uint RTNLGRP_LINK = 1;
    public const uint RTNLGRP_IPV4_IFADDR = 5;
    public const uint RTNLGRP_IPV4_ROUTE = 7;
    public const uint RTNLGRP_IPV4_RULE = 8;
    public const uint RTNLGRP_IPV6_IFADDR = 9;
    public const uint RTNLGRP_IPV6_ROUTE = 11;
    public const uint RTNLGRP_IPV6_RULE = 19;
    public const uint RTNLGRP_IPV4_NETCONF = 24;

    public const int NextHopHeaderLength = 8;
    public const ushort NHA_ID = 1;
    public const ushort NHA_GROUP = 2;
    public const ushort NHA_OIF = 5;
    public const ushort NHA_GATEWAY = 6;

    public const ushort FRA_DST = 1;
    public const ushort FRA_SRC = 2;
    public const ushort FRA_PRIORITY = 6;
    public const ushort FRA_FWMARK = 10;
    public const ushort FRA_SUPPRESS_IFGROUP = 13;
    public const ushort FRA_SUPPRESS_PREFIXLEN = 14;
    public const ushort FRA_TABLE = 15;
    public const ushort FRA_FWMASK = 16;
    public const ushort FRA_PROTOCOL = 21;
    public const byte FR_ACT_TO_TBL = 1;

    public const byte RT_TABLE_UNSPEC = 0;
}
