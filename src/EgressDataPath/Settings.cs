using System.Net;
using System.Numerics;

namespace EgressDataPath;

/// <summary>The numbers and names that the data path takes on a node. All nodes of a cluster have the same.</summary>
public sealed record Settings
{
    /// <summary>The link into the tunnel.</summary>
    public const string Link = "egress0";

    /// <summary>The nf_tables table, of the family inet.</summary>
    public const string Table = "egress_ip";

    /// <summary>IFA_PROTO of egress addresses: which program added them.</summary>
    public const byte AddressOrigin = 0x45;

    /// <summary>rtm_protocol of routes.</summary>
    public const byte RouteOrigin = 0x45;

    /// <summary>The most next hops that a node can have, whatever the mask of packets allows: one routing table for each.</summary>
    public const int MostHops = 253;

    /// <summary>
    /// The bits of a packet's mark that hold the number of the next hop; they are set only between prerouting and forward.
    /// </summary>
    public uint PacketMask { get; init; } = 0x7f;

    /// <summary>The bits of a connection's mark that hold the number of the egress address.</summary>
    public uint ConnectionMask { get; init; } = 0xfff0_0000;

    /// <summary>The VXLAN network identifier, 24 bits.</summary>
    public uint TunnelId { get; init; } = 77;

    /// <summary>The UDP port of the tunnel. IANA: 4790 is VXLAN-GPE.</summary>
    public int TunnelPort { get; init; } = 4790;

    /// <summary>The UDP port of the heartbeats, which the guard of the tunnel also protects.</summary>
    public int HeartbeatPort { get; init; } = 4792;

    /// <summary>The routing table of next hop 0; that of hop n is n higher.</summary>
    public uint FirstTable { get; init; } = 7100;

    /// <summary>The priority of the routing rules: before those of cluster networks, after that of the table local.</summary>
    public uint RulePriority { get; init; } = 40;

    /// <summary>
    /// The address of the link. On a link without an IPv4 address the kernel takes a loose rp_filter for a strict one.
    /// </summary>
    public static IPAddress LinkAddress { get; } = new([169, 254, 77, 7]);

    /// <summary>The number of the hop that leads answers back into the tunnel.</summary>
    public int AnswerHop => (int)Math.Min(Highest(PacketMask), MostHops) - 1;

    /// <summary>The connection's number that says: it came by the tunnel.</summary>
    public int TunnelSlot => (int)Highest(ConnectionMask);

    /// <summary>The connection's number that says: it has the node's address, because its object fails open.</summary>
    public int OpenSlot => TunnelSlot - 1;

    /// <summary>The mark of a packet to a next hop.</summary>
    public uint PacketMark(int hop) => (uint)hop << BitOperations.TrailingZeroCount(PacketMask);

    /// <summary>The mark of a connection with a slot.</summary>
    public uint ConnectionMark(int slot) => (uint)slot << BitOperations.TrailingZeroCount(ConnectionMask);

    /// <summary>The slot in the mark of a connection; 0: none.</summary>
    public int SlotOf(uint connectionMark) => (int)((connectionMark & ConnectionMask) >> BitOperations.TrailingZeroCount(ConnectionMask));

    /// <summary>Whether a connection with this mark has an egress address, on this node or on another.</summary>
    public bool HasEgressAddress(uint connectionMark) => SlotOf(connectionMark) is int slot && slot != 0 && slot != OpenSlot;

    /// <summary>Whether a routing table is one of those that the data path takes.</summary>
    public bool HasTable(uint table) => table > FirstTable && table <= FirstTable + (uint)AnswerHop;

    /// <summary>What is wrong with the settings, with the name of the option; null: nothing.</summary>
    public string? Fault() =>
        !IsOneRun(PacketMask) || Highest(PacketMask) < 7 ? $"--mark-mask 0x{PacketMask:x}: it must be one run of at least three bits"
        : !IsOneRun(ConnectionMask) || Highest(ConnectionMask) < 15
            ? $"--connection-mark-mask 0x{ConnectionMask:x}: it must be one run of at least four bits"
        : TunnelId is 0 or > 0xff_ffff ? $"--vni {TunnelId}: it must be from 1 to 16777215"
        : TunnelPort is < 1 or > ushort.MaxValue ? $"--tunnel-port {TunnelPort}: it must be from 1 to 65535"
        : HeartbeatPort is < 1 or > ushort.MaxValue ? $"--heartbeat-port {HeartbeatPort}: it must be from 1 to 65535"
        : HeartbeatPort == TunnelPort ? $"--heartbeat-port {HeartbeatPort}: the tunnel has that port"
        : FirstTable is < 256 or > int.MaxValue ? $"--first-table {FirstTable}: it must be from 256 to 2147483647"
        : RulePriority is < 1 or > 32_765 ? $"--rule-priority {RulePriority}: it must be from 1 to 32765"
        : null;

    private static uint Highest(uint mask) => mask == 0 ? 0 : mask >> BitOperations.TrailingZeroCount(mask);

    private static bool IsOneRun(uint mask) => mask != 0 && BitOperations.PopCount(Highest(mask) + 1) <= 1;
}
