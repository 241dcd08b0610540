namespace Netlink.NetFilter;

/// <summary>Constants of nfnetlink and nf_tables (linux/netfilter/nfnetlink.h, nf_tables.h).</summary>
internal static class NftablesConstants
{
    public const ushort NFNL_MSG_BATCH_BEGIN = 0x10;
    public const ushort NFNL_MSG_BATCH_END = 0x11;
    public const ushort NFNL_SUBSYS_NFTABLES = 10;
    public const byte NFNETLINK_V0 = 0;
    public const int NfHeaderLength = 4;

    public const ushort NFT_MSG_NEWTABLE = (NFNL_SUBSYS_NFTABLES << 8) | 0;
    public const ushort NFT_MSG_GETTABLE = (NFNL_SUBSYS_NFTABLES << 8) | 1;
    public const ushort NFT_MSG_DELTABLE = (NFNL_SUBSYS_NFTABLES << 8) | 2;
    public const ushort NFT_MSG_NEWCHAIN = (NFNL_SUBSYS_NFTABLES << 8) | 3;
    public const ushort NFT_MSG_GETCHAIN = (NFNL_SUBSYS_NFTABLES << 8) | 4;
    public const ushort NFT_MSG_DELCHAIN = (NFNL_SUBSYS_NFTABLES << 8) | 5;
    public const ushort NFT_MSG_NEWRULE = (NFNL_SUBSYS_NFTABLES << 8) | 6;
    public const ushort NFT_MSG_GETRULE = (NFNL_SUBSYS_NFTABLES << 8) | 7;
    public const ushort NFT_MSG_DELRULE = (NFNL_SUBSYS_NFTABLES << 8) | 8;
    public const ushort NFT_MSG_NEWSET = (NFNL_SUBSYS_NFTABLES << 8) | 9;
    public const ushort NFT_MSG_GETSET = (NFNL_SUBSYS_NFTABLES << 8) | 10;
    public const ushort NFT_MSG_DELSET = (NFNL_SUBSYS_NFTABLES << 8) | 11;
    public const ushort NFT_MSG_NEWSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 12;
    public const ushort NFT_MSG_GETSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 13;
    public const ushort NFT_MSG_DELSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 14;

    public const ushort NFT_MSG_NEWGEN = (NFNL_SUBSYS_NFTABLES << 8) | 15;
    public const ushort NFT_MSG_GETGEN = (NFNL_SUBSYS_NFTABLES << 8) | 16;
    public const ushort NFT_MSG_NEWOBJ = (NFNL_SUBSYS_NFTABLES << 8) | 18;
    public const ushort NFT_MSG_GETOBJ = (NFNL_SUBSYS_NFTABLES << 8) | 19;
    public const ushort NFT_MSG_DELOBJ = (NFNL_SUBSYS_NFTABLES << 8) | 20;

    public const uint NFNLGRP_NFTABLES = 7;

    public const ushort NFTA_LIST_ELEM = 1;

    public const ushort NFTA_TABLE_NAME = 1;
    public const ushort NFTA_TABLE_FLAGS = 2;

    public const ushort NFTA_GEN_ID = 1;

    public const ushort NFTA_CHAIN_TABLE = 1;
    public const ushort NFTA_CHAIN_NAME = 3;
    public const ushort NFTA_CHAIN_HOOK = 4;
    public const ushort NFTA_CHAIN_POLICY = 5;
    public const ushort NFTA_CHAIN_USE = 6;
    public const ushort NFTA_CHAIN_TYPE = 7;
    public const ushort NFTA_HOOK_HOOKNUM = 1;
    public const ushort NFTA_HOOK_PRIORITY = 2;

    public const ushort NFTA_RULE_TABLE = 1;
    public const ushort NFTA_RULE_CHAIN = 2;
    public const ushort NFTA_RULE_EXPRESSIONS = 4;
    public const ushort NFTA_RULE_USERDATA = 7;
    public const ushort NFTA_EXPR_NAME = 1;
    public const ushort NFTA_EXPR_DATA = 2;

    public const ushort NFTA_SET_TABLE = 1;
    public const ushort NFTA_SET_NAME = 2;
    public const ushort NFTA_SET_FLAGS = 3;
    public const ushort NFTA_SET_KEY_TYPE = 4;
    public const ushort NFTA_SET_KEY_LEN = 5;
    public const ushort NFTA_SET_DATA_TYPE = 6;
    public const ushort NFTA_SET_DATA_LEN = 7;
    public const ushort NFTA_SET_DESC = 9;
    public const ushort NFTA_SET_ID = 10;
    public const ushort NFTA_SET_USERDATA = 13;
    public const ushort NFTA_SET_EXPR = 17;
    public const ushort NFTA_SET_DESC_SIZE = 1;
    public const ushort NFTA_SET_DESC_CONCAT = 2;
    public const ushort NFTA_SET_FIELD_LEN = 1;
    public const uint NFT_SET_ANONYMOUS = 0x1;
    public const uint NFT_SET_INTERVAL = 0x4;
    public const uint NFT_SET_MAP = 0x8;
    public const uint NFT_SET_EVAL = 0x20;
    public const uint NFT_SET_CONCAT = 0x80;
    public const uint NFT_SET_EXPR = 0x100;

    public const ushort NFTA_SET_ELEM_LIST_TABLE = 1;
    public const ushort NFTA_SET_ELEM_LIST_SET = 2;
    public const ushort NFTA_SET_ELEM_LIST_ELEMENTS = 3;
    public const ushort NFTA_SET_ELEM_LIST_SET_ID = 4;
    public const ushort NFTA_SET_ELEM_KEY = 1;
    public const ushort NFTA_SET_ELEM_DATA = 2;
    public const ushort NFTA_SET_ELEM_FLAGS = 3;
    public const ushort NFTA_SET_ELEM_EXPR = 7;
    public const ushort NFTA_SET_ELEM_KEY_END = 10;
    public const uint NFT_SET_ELEM_INTERVAL_END = 0x1;

    public const ushort NFTA_OBJ_TABLE = 1;
    public const ushort NFTA_OBJ_NAME = 2;
    public const ushort NFTA_OBJ_TYPE = 3;
    public const ushort NFTA_OBJ_DATA = 4;
    public const uint NFT_OBJECT_COUNTER = 1;

    public const ushort NFTA_DATA_VALUE = 1;
    public const ushort NFTA_DATA_VERDICT = 2;
    public const ushort NFTA_VERDICT_CODE = 1;
    public const ushort NFTA_VERDICT_CHAIN = 2;

    public const uint NFT_REG_VERDICT = 0;

    /// <summary>The type of the comment in a rule's user data (libnftnl's udata.h).</summary>
    public const byte NFTNL_UDATA_RULE_COMMENT = 0;
}

/// <summary>Address families of tables (NFPROTO_*, linux/netfilter.h).</summary>
public enum TableFamily : byte
{
    /// <summary>Any family, in a request.</summary>
    Unspecified = 0,

    /// <summary>IPv4 and IPv6 in one table.</summary>
    Inet = 1,

    /// <summary>IPv4.</summary>
    IPv4 = 2,

    /// <summary>IPv6.</summary>
    IPv6 = 10,
}

/// <summary>The hook of a base chain (NF_INET_*, linux/netfilter.h).</summary>
public enum NetFilterHook : uint
{
    /// <summary>Received packets, before the routing decision.</summary>
    PreRouting = 0,

    /// <summary>Packets to the machine itself.</summary>
    LocalIn = 1,

    /// <summary>Forwarded packets.</summary>
    Forward = 2,

    /// <summary>Packets from the machine itself.</summary>
    LocalOut = 3,

    /// <summary>Outgoing packets, after the routing decision.</summary>
    PostRouting = 4,
}

/// <summary>An nf_tables register (enum nft_registers). Four-byte registers alias the sixteen-byte ones.</summary>
public enum Register : uint
{
    /// <summary>The verdict register.</summary>
    Verdict = 0,

    /// <summary>The first sixteen-byte register.</summary>
    R1 = 1,

    /// <summary>The second sixteen-byte register.</summary>
    R2 = 2,

    /// <summary>The third sixteen-byte register.</summary>
    R3 = 3,

    /// <summary>The fourth sixteen-byte register.</summary>
    R4 = 4,

    /// <summary>The second four bytes of <see cref="R1"/> (NFT_REG32_01).</summary>
    R1Second = 9,

    /// <summary>The second four bytes of <see cref="R2"/> (NFT_REG32_05).</summary>
    R2Second = 13,

    /// <summary>The third four bytes of <see cref="R2"/> (NFT_REG32_06).</summary>
    R2Third = 14,
}
