using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>
/// A rule of the routing policy database that selects a routing table by a packet's mark, source or destination (ip-rule(8)).
/// </summary>
public sealed record RoutingRule
{
    /// <summary>IPv4 or IPv6.</summary>
    public required AddressFamily Family { get; init; }

    /// <summary>FRA_PRIORITY: the order of the rules; lower is earlier.</summary>
    public uint Priority { get; init; }

    /// <summary>FRA_FWMARK: the value of the packet's mark under <see cref="Mask"/>.</summary>
    public uint Mark { get; init; }

    /// <summary>FRA_FWMASK; 0 for a rule that ignores the mark.</summary>
    public uint Mask { get; init; }

    /// <summary>FRA_DST: the packet's destination, a single address; null for any.</summary>
    public IPAddress? Destination { get; init; }

    /// <summary>FRA_SRC: the packet's source, a single address; null for any.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>FRA_TABLE: the routing table to look up.</summary>
    public uint Table { get; init; }

    /// <summary>FRA_SUPPRESS_IFGROUP: a route is ignored if its output interface is in this device group.</summary>
    public uint? SuppressGroup { get; init; }

    /// <summary>
    /// Whether the rule has properties that this record does not contain: a prefix, TOS, inversion, another action,
    /// FRA_SUPPRESS_PREFIXLEN, or an attribute such as FRA_IIFNAME or FRA_IP_PROTO. FRA_PROTOCOL, which program made it, does not count.
    /// </summary>
    public bool HasOther { get; init; }

    internal static RoutingRule Read(Message message)
    {
        AttributeReader attributes = message.Attributes(RuleHeaderLength);
        ReadOnlySpan<byte> header = message.Payload;
        var rule = new RoutingRule
        {
            Family = KernelFamily.From(header[0]),
            Table = header[4],
            // a prefix instead of an address, TOS, an action other than a lookup, or inversion (FIB_RULE_INVERT)
            HasOther = header[1] is not (0 or 32 or 128) || header[2] is not (0 or 32 or 128) || header[3] != 0
                || header[7] != FR_ACT_TO_TBL
                || (MemoryMarshal.Read<uint>(header[8..]) & 2) != 0,
        };
        while (attributes.Next(out Wire.Attribute attribute))
        {
            rule = attribute.Type switch
            {
                FRA_DST => rule with { Destination = attribute.Address() },
                FRA_SRC => rule with { Source = attribute.Address() },
                FRA_PRIORITY => rule with { Priority = attribute.UInt32() },
                FRA_FWMARK => rule with { Mark = attribute.UInt32() },
                FRA_FWMASK => rule with { Mask = attribute.UInt32() },
                FRA_TABLE => rule with { Table = attribute.UInt32() },
                FRA_SUPPRESS_IFGROUP => rule with { SuppressGroup = attribute.UInt32() },
                // -1: no suppression
                FRA_SUPPRESS_PREFIXLEN => attribute.Int32() == -1 ? rule : rule with { HasOther = true },
                FRA_PROTOCOL => rule,
                _ => rule with { HasOther = true },
            };
        }

        return rule;
    }

    internal void WriteTo(MessageWriter writer)
    {
        writer.Byte(KernelFamily.Of(Family));
        writer.Byte((byte)((Destination?.GetAddressBytes().Length ?? 0) * 8));
        writer.Byte((byte)((Source?.GetAddressBytes().Length ?? 0) * 8));
        writer.Byte(0);
        writer.Byte(Table <= byte.MaxValue ? (byte)Table : RT_TABLE_UNSPEC);
        writer.UInt16(0);
        writer.Byte(FR_ACT_TO_TBL);
        writer.UInt32(0);
        if (Destination is not null)
        {
            writer.AttributeAddress(FRA_DST, Destination);
        }

        if (Source is not null)
        {
            writer.AttributeAddress(FRA_SRC, Source);
        }

        writer.AttributeUInt32(FRA_PRIORITY, Priority);
        if (Mask != 0)
        {
            writer.AttributeUInt32(FRA_FWMARK, Mark);
            writer.AttributeUInt32(FRA_FWMASK, Mask);
        }

        if (Table > byte.MaxValue)
        {
            writer.AttributeUInt32(FRA_TABLE, Table);
        }

        if (SuppressGroup is uint group)
        {
            writer.AttributeUInt32(FRA_SUPPRESS_IFGROUP, group);
        }
    }
}
