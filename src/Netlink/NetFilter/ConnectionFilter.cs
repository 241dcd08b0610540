using System.Net;
using Netlink.Routing;
using Netlink.Wire;
using static Netlink.NetFilter.ConntrackConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>
/// Selects connections. All conditions must hold. The kernel compares the mark and IPv4 addresses itself (CTA_MARK, and CTA_FILTER since
/// Linux 5.8), which is faster.
/// </summary>
public sealed record ConnectionFilter
{
    /// <summary>The source address of the original direction, before translation; null for any.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>The destination address of the reply direction: the source address after translation; null for any.</summary>
    public IPAddress? TranslatedSource { get; init; }

    /// <summary>The bits of the mark under <see cref="Mask"/>.</summary>
    public uint Mark { get; init; }

    /// <summary>The bits of the mark to compare; 0 for any mark.</summary>
    public uint Mask { get; init; }

    /// <summary>The family in the message's header: that of an address, or any.</summary>
    internal byte Family => (Source ?? TranslatedSource) is IPAddress address ? KernelFamily.Of(address) : Unspecified;

    /// <summary>Whether the conditions hold.</summary>
    internal bool Matches(ConntrackEntry connection) =>
        (Source is null || Source.Equals(connection.Original.Source))
        && (TranslatedSource is null || TranslatedSource.Equals(connection.Reply.Destination))
        && (connection.Mark & Mask) == (Mark & Mask);

    /// <summary>
    /// Writes the conditions for the kernel, except IPv6 addresses: for these it selects all connections but those with the address
    /// (ctnetlink_filter_match_tuple, seen on Linux 6.18).
    /// </summary>
    internal void WriteTo(MessageWriter writer)
    {
        if (Mask != 0)
        {
            writer.AttributeUInt32BigEndian(CTA_MARK, Mark & Mask);
            writer.AttributeUInt32BigEndian(CTA_MARK_MASK, Mask);
        }

        if (Family != KernelFamily.AF_INET)
        {
            return;
        }

        if (Source is not null)
        {
            WriteAddress(writer, CTA_TUPLE_ORIG, CTA_IP_V4_SRC, Source);
        }

        if (TranslatedSource is not null)
        {
            WriteAddress(writer, CTA_TUPLE_REPLY, CTA_IP_V4_DST, TranslatedSource);
        }

        int filter = writer.BeginNested(CTA_FILTER | NLA_F_NESTED);
        writer.AttributeUInt32(CTA_FILTER_ORIG_FLAGS, Source is null ? 0 : FilterBySource);
        writer.AttributeUInt32(CTA_FILTER_REPLY_FLAGS, TranslatedSource is null ? 0 : FilterByDestination);
        writer.EndNested(filter);
    }

    private static void WriteAddress(MessageWriter writer, ushort direction, ushort type, IPAddress address)
    {
        int tuple = writer.BeginNested((ushort)(direction | NLA_F_NESTED));
        int addresses = writer.BeginNested(CTA_TUPLE_IP | NLA_F_NESTED);
        writer.AttributeAddress(type, address);
        writer.EndNested(addresses);
        writer.EndNested(tuple);
    }
}
