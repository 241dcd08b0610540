using System.Collections.Immutable;
using System.Net;
using Netlink.Routing;
using Netlink.Wire;
using static Netlink.NetFilter.ConntrackConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>One direction of a tracked connection (CTA_TUPLE_ORIG, CTA_TUPLE_REPLY).</summary>
/// <param name="Source">The source address.</param>
/// <param name="Destination">The destination address.</param>
/// <param name="Protocol">The transport protocol: 6 for TCP, 17 for UDP.</param>
/// <param name="SourcePort">The source port; 0 if the protocol has none.</param>
/// <param name="DestinationPort">The destination port; 0 if the protocol has none.</param>
public sealed record ConntrackTuple(IPAddress Source, IPAddress Destination, byte Protocol, ushort SourcePort, ushort DestinationPort)
{
    internal static ConntrackTuple Read(AttributeReader attributes)
    {
        (IPAddress source, IPAddress destination, byte protocol, ushort sourcePort, ushort destinationPort) = (IPAddress.Any, IPAddress.Any,
            0, 0, 0);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            AttributeReader inner = attribute.Type is CTA_TUPLE_IP or CTA_TUPLE_PROTO ? attribute.Nested() : default;
            while (inner.Next(out Wire.Attribute field))
            {
                switch (attribute.Type, field.Type)
                {
                    case (CTA_TUPLE_IP, CTA_IP_V4_SRC or CTA_IP_V6_SRC): source = field.Address(); break;
                    case (CTA_TUPLE_IP, CTA_IP_V4_DST or CTA_IP_V6_DST): destination = field.Address(); break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_NUM): protocol = field.Byte(); break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_SRC_PORT): sourcePort = field.UInt16BigEndian(); break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_DST_PORT): destinationPort = field.UInt16BigEndian(); break;
                    default: break;
                }
            }
        }

        return new ConntrackTuple(source, destination, protocol, sourcePort, destinationPort);
    }

    /// <summary>The direction of the answers if no address is translated.</summary>
    internal ConntrackTuple Reversed => new(Destination, Source, Protocol, DestinationPort, SourcePort);

    internal void WriteTo(MessageWriter writer, ushort type)
    {
        int tuple = writer.BeginNested((ushort)(type | NLA_F_NESTED));
        int addresses = writer.BeginNested(CTA_TUPLE_IP | NLA_F_NESTED);
        bool isIPv4 = KernelFamily.Of(Source) == KernelFamily.AF_INET;
        writer.AttributeAddress(isIPv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, Source);
        writer.AttributeAddress(isIPv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, Destination);
        writer.EndNested(addresses);
        int transport = writer.BeginNested(CTA_TUPLE_PROTO | NLA_F_NESTED);
        writer.AttributeByte(CTA_PROTO_NUM, Protocol);
        writer.AttributeUInt16BigEndian(CTA_PROTO_SRC_PORT, SourcePort);
        writer.AttributeUInt16BigEndian(CTA_PROTO_DST_PORT, DestinationPort);
        writer.EndNested(transport);
        writer.EndNested(tuple);
    }
}

/// <summary>The state of a tracked connection (enum ip_conntrack_status, linux/netfilter/nf_conntrack_common.h).</summary>
[Flags]
public enum ConntrackStatus : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Packets of both directions were seen.</summary>
    SeenReply = 0x2,

    /// <summary>The entry is not dropped early if the table is full.</summary>
    Assured = 0x4,

    /// <summary>The entry is in the table.</summary>
    Confirmed = 0x8,

    /// <summary>The source is translated.</summary>
    SourceTranslated = 0x10,

    /// <summary>The destination is translated.</summary>
    DestinationTranslated = 0x20,

    /// <summary>The entry is being removed.</summary>
    Dying = 0x200,
}

/// <summary>A tracked connection.</summary>
/// <param name="Original">The original direction, before address translation.</param>
/// <param name="Reply">The reply direction; it is not the reverse of <paramref name="Original"/> if addresses are translated.</param>
/// <param name="Mark">CTA_MARK.</param>
public sealed record ConntrackEntry(ConntrackTuple Original, ConntrackTuple Reply, uint Mark)
{
    /// <summary>CTA_STATUS.</summary>
    public ConntrackStatus Status { get; init; }

    /// <summary>CTA_TIMEOUT: how long the entry stays without packets, in whole seconds; zero in an event about its end.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>CTA_PROTOINFO_TCP_STATE (enum tcp_conntrack): 3 for an established connection; null for another protocol.</summary>
    public byte? TcpState { get; init; }

    /// <summary>CTA_COUNTERS_ORIG: zero if the namespace does not count (net.netfilter.nf_conntrack_acct).</summary>
    public Counted OriginalCounted { get; init; }

    /// <summary>CTA_COUNTERS_REPLY, as <see cref="OriginalCounted"/>.</summary>
    public Counted ReplyCounted { get; init; }

    /// <summary>CTA_TIMESTAMP_START: null if the namespace did not keep it (net.netfilter.nf_conntrack_timestamp).</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>CTA_TIMESTAMP_STOP: when it ended, or its time was over, as <see cref="Started"/>.</summary>
    public DateTimeOffset? Ended { get; init; }

    internal byte Family { get; init; }

    /// <summary>The attributes that identify the entry in a deletion, as received: original tuple, zone and ID.</summary>
    internal ImmutableArray<(ushort Type, Bytes Value)> Key { get; init; } = [];

    /// <summary>The addresses of both directions, so those before and after translation.</summary>
    public IEnumerable<IPAddress> Ends() => [Original.Source, Original.Destination, Reply.Source, Reply.Destination];

    internal static ConntrackEntry Read(Message message)
    {
        AttributeReader attributes = message.Attributes(NftablesConstants.NfHeaderLength);
        ConntrackTuple? original = null;
        ConntrackTuple? reply = null;
        uint mark = 0;
        (ConntrackStatus status, uint timeout, byte? tcpState) = (ConntrackStatus.None, 0, null);
        (Counted originalCounted, Counted replyCounted) = (default, default);
        (DateTimeOffset? started, DateTimeOffset? ended) = (null, null);
        ImmutableArray<(ushort, Bytes)>.Builder key = ImmutableArray.CreateBuilder<(ushort, Bytes)>(3);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case CTA_TUPLE_ORIG: original = ConntrackTuple.Read(attribute.Nested()); break;
                case CTA_TUPLE_REPLY: reply = ConntrackTuple.Read(attribute.Nested()); break;
                case CTA_MARK: mark = attribute.UInt32BigEndian(); break;
                case CTA_STATUS: status = (ConntrackStatus)attribute.UInt32BigEndian(); break;
                case CTA_TIMEOUT: timeout = attribute.UInt32BigEndian(); break;
                case CTA_PROTOINFO: tcpState = ReadTcpState(new ExpressionFields(attribute.Value)); break;
                case CTA_COUNTERS_ORIG: originalCounted = ReadCounted(new ExpressionFields(attribute.Value)); break;
                case CTA_COUNTERS_REPLY: replyCounted = ReadCounted(new ExpressionFields(attribute.Value)); break;
                case CTA_TIMESTAMP: (started, ended) = ReadTimes(new ExpressionFields(attribute.Value)); break;
                default: break;
            }

            if (attribute.Type is CTA_TUPLE_ORIG or CTA_ZONE or CTA_ID)
            {
                key.Add((attribute.Type, new Bytes(attribute.Value)));
            }
        }

        return new ConntrackEntry(
            original ?? throw Malformed.Message("a connection without its first direction"),
            reply ?? throw Malformed.Message("a connection without its other direction"),
            mark)
        {
            Status = status,
            Timeout = TimeSpan.FromSeconds(timeout),
            TcpState = tcpState,
            OriginalCounted = originalCounted,
            ReplyCounted = replyCounted,
            Started = started,
            Ended = ended,
            Family = message.Payload[0],
            Key = key.ToImmutable(),
        };
    }

    /// <summary>
    /// Writes the entry for IPCTNL_MSG_CT_NEW. The kernel translates only a connection whose reply direction is not yet translated, to
    /// the ends in CTA_NAT_SRC and CTA_NAT_DST.
    /// </summary>
    internal void WriteTo(MessageWriter writer)
    {
        Original.WriteTo(writer, CTA_TUPLE_ORIG);
        Original.Reversed.WriteTo(writer, CTA_TUPLE_REPLY);
        // The kernel refuses a status without "confirmed", and sets those of a translation itself.
        writer.AttributeUInt32BigEndian(
            CTA_STATUS, (uint)((Status & (ConntrackStatus.SeenReply | ConntrackStatus.Assured)) | ConntrackStatus.Confirmed));
        writer.AttributeUInt32BigEndian(CTA_TIMEOUT, (uint)Timeout.TotalSeconds);
        writer.AttributeUInt32BigEndian(CTA_MARK, Mark);
        WriteTranslation(writer, CTA_NAT_SRC, (Reply.Destination, Reply.DestinationPort), (Original.Source, Original.SourcePort));
        WriteTranslation(writer, CTA_NAT_DST, (Reply.Source, Reply.SourcePort), (Original.Destination, Original.DestinationPort));
        if (TcpState is byte state)
        {
            WriteTcpState(writer, state);
        }
    }

    private static void WriteTranslation(
        MessageWriter writer, ushort type, (IPAddress Address, ushort Port) translated, (IPAddress Address, ushort Port) original)
    {
        if (translated.Equals(original))
        {
            return;
        }

        bool isIPv4 = KernelFamily.Of(translated.Address) == KernelFamily.AF_INET;
        int translation = writer.BeginNested((ushort)(type | NLA_F_NESTED));
        writer.AttributeAddress(isIPv4 ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, translated.Address);
        writer.AttributeAddress(isIPv4 ? CTA_NAT_V4_MAXIP : CTA_NAT_V6_MAXIP, translated.Address);
        int ports = writer.BeginNested(CTA_NAT_PROTO | NLA_F_NESTED);
        writer.AttributeUInt16BigEndian(CTA_PROTONAT_PORT_MIN, translated.Port);
        writer.AttributeUInt16BigEndian(CTA_PROTONAT_PORT_MAX, translated.Port);
        writer.EndNested(ports);
        writer.EndNested(translation);
    }

    /// <summary>The sequence numbers so far are unknown, so the kernel must not check those of the next packets.</summary>
    private static void WriteTcpState(MessageWriter writer, byte state)
    {
        // struct nf_ct_tcp_flags: flags, mask
        ReadOnlySpan<byte> liberal = [IP_CT_TCP_FLAG_BE_LIBERAL, IP_CT_TCP_FLAG_BE_LIBERAL];
        int information = writer.BeginNested(CTA_PROTOINFO | NLA_F_NESTED);
        int tcp = writer.BeginNested(CTA_PROTOINFO_TCP | NLA_F_NESTED);
        writer.AttributeByte(CTA_PROTOINFO_TCP_STATE, state);
        writer.Attribute(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, liberal);
        writer.Attribute(CTA_PROTOINFO_TCP_FLAGS_REPLY, liberal);
        writer.EndNested(tcp);
        writer.EndNested(information);
    }

    private static byte? ReadTcpState(ExpressionFields information) =>
        information.Nested(CTA_PROTOINFO_TCP, out ExpressionFields tcp) ? tcp.Byte(CTA_PROTOINFO_TCP_STATE) : null;

    private static Counted ReadCounted(ExpressionFields counters) =>
        new(counters.LongNumber(CTA_COUNTERS_PACKETS) ?? 0, counters.LongNumber(CTA_COUNTERS_BYTES) ?? 0);

    private static (DateTimeOffset? Started, DateTimeOffset? Ended) ReadTimes(ExpressionFields times) =>
        (TimeOf(times.LongNumber(CTA_TIMESTAMP_START)), TimeOf(times.LongNumber(CTA_TIMESTAMP_STOP)));

    private static DateTimeOffset? TimeOf(ulong? nanoseconds) =>
        nanoseconds is ulong known and > 0 ? DateTimeOffset.UnixEpoch.AddTicks((long)(known / 100)) : null;
}
