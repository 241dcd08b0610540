using System.Collections.Immutable;
using System.Net;
using Netlink.Wire;
using static Netlink.NetFilter.ConntrackProtocol;

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
}

/// <summary>A tracked connection.</summary>
/// <param name="Original">The original direction, before address translation.</param>
/// <param name="Reply">The reply direction; it is not the reverse of <paramref name="Original"/> if addresses are translated.</param>
/// <param name="Mark">CTA_MARK.</param>
public sealed record ConntrackEntry(ConntrackTuple Original, ConntrackTuple Reply, uint Mark)
{
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
        ImmutableArray<(ushort, Bytes)>.Builder key = ImmutableArray.CreateBuilder<(ushort, Bytes)>(3);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case CTA_TUPLE_ORIG: original = ConntrackTuple.Read(attribute.Nested()); break;
                case CTA_TUPLE_REPLY: reply = ConntrackTuple.Read(attribute.Nested()); break;
                case CTA_MARK: mark = attribute.UInt32BigEndian(); break;
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
            Family = message.Payload[0],
            Key = key.ToImmutable(),
        };
    }
}

/// <summary>
/// Reads and deletes the conntrack entries of a network namespace (nf_conntrack_netlink; EINVAL: the kernel lacks it).
/// </summary>
public static class Conntrack
{
    /// <summary>Maximum number of deletions per batch.</summary>
    private const int DeletionsPerBatch = 256;

    /// <summary>Maximum number of entries in memory: there can be hundreds of thousands to delete.</summary>
    private const int MaxEntries = 20_000;

    /// <summary>Passes all connections to a callback, without storing them.</summary>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="restart">Called before the first connection, and again if the dump must be repeated.</param>
    /// <param name="take">Called for each connection.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static void ReadConnections(this NetlinkSocket socket, Action restart, Action<ConntrackEntry> take)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(restart);
        ArgumentNullException.ThrowIfNull(take);
        NetlinkRequest list = NetlinkRequest.Dump("list tracked connections", restart, message =>
        {
            if (message.Type == IPCTNL_MSG_CT_NEW)
            {
                take(ConntrackEntry.Read(message));
            }

            return false;
        });
        list.Request.BeginMessage(IPCTNL_MSG_CT_GET, 0);
        list.Request.WriteNetFilterHeader(Unspecified, 0);
        list.Request.EndMessage();
        socket.Ask(list);
    }

    /// <summary>Lists at most <paramref name="most"/> of the connections that <paramref name="isWanted"/> selects.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static IReadOnlyList<ConntrackEntry> ListConnections(
        this NetlinkSocket socket, Predicate<ConntrackEntry> isWanted, int most = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(isWanted);
        var found = new List<ConntrackEntry>();
        socket.ReadConnections(found.Clear, connection =>
        {
            if (found.Count < most && isWanted(connection))
            {
                found.Add(connection);
            }
        });
        return found;
    }

    /// <summary>Deletes connections, so that their next packet is evaluated by the current rules.</summary>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="isUnwanted">Selects the connections.</param>
    /// <exception cref="NetlinkException">The kernel refuses. A connection that has ended meanwhile is not an error.</exception>
    public static void DeleteConnections(this NetlinkSocket socket, Predicate<ConntrackEntry> isUnwanted)
    {
        IReadOnlyList<ConntrackEntry> some;
        do
        {
            some = socket.ListConnections(isUnwanted, MaxEntries);
            socket.DeleteConnections(some);
        }
        while (some.Count == MaxEntries);
    }

    internal static void DeleteConnections(this NetlinkSocket socket, IReadOnlyList<ConntrackEntry> connections)
    {
        foreach (ConntrackEntry[] chunk in connections.Chunk(DeletionsPerBatch))
        {
            var batch = new RequestBatch();
            foreach (ConntrackEntry connection in chunk)
            {
                MessageWriter writer = batch.Begin("delete a tracked connection", IPCTNL_MSG_CT_DELETE, 0);
                writer.WriteNetFilterHeader(connection.Family, 0);
                foreach ((ushort type, Bytes value) in connection.Key)
                {
                    writer.Attribute((ushort)(type == CTA_TUPLE_ORIG ? type | NetlinkProtocol.NLA_F_NESTED : type), value.Span);
                }

                writer.EndMessage();
            }

            foreach (RefusedRequest refused in socket.TryExecute(batch).Where(refused => refused.Error.Number != Errno.ENOENT))
            {
                throw refused.Error;
            }
        }
    }

    /// <summary>Deletes all connections with a mark in one message; the kernel selects them.</summary>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="mark">The value of the masked bits.</param>
    /// <param name="mask">The bits of the mark to compare.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static void DeleteMarkedConnections(this NetlinkSocket socket, uint mark, uint mask)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var batch = new RequestBatch();
        MessageWriter writer = batch.Begin($"delete tracked connections with mark 0x{mark:x}/0x{mask:x}", IPCTNL_MSG_CT_DELETE, 0);
        writer.WriteNetFilterHeader(Unspecified, 0);
        writer.AttributeUInt32BigEndian(CTA_MARK, mark);
        writer.AttributeUInt32BigEndian(CTA_MARK_MASK, mask);
        writer.EndMessage();
        socket.Execute(batch);
    }
}

/// <summary>Constants of ctnetlink (linux/netfilter/nfnetlink_conntrack.h).</summary>
internal static class ConntrackProtocol
{
    public const byte Unspecified = 0;

    private const ushort NFNL_SUBSYS_CTNETLINK = 1;

    public const ushort IPCTNL_MSG_CT_NEW = (NFNL_SUBSYS_CTNETLINK << 8) | 0;
    public const ushort IPCTNL_MSG_CT_GET = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
    public const ushort IPCTNL_MSG_CT_DELETE = (NFNL_SUBSYS_CTNETLINK << 8) | 2;

    public const ushort CTA_TUPLE_ORIG = 1;
    public const ushort CTA_TUPLE_REPLY = 2;
    public const ushort CTA_MARK = 8;
    public const ushort CTA_ID = 12;
    public const ushort CTA_ZONE = 18;
    public const ushort CTA_MARK_MASK = 21;

    public const ushort CTA_TUPLE_IP = 1;
    public const ushort CTA_TUPLE_PROTO = 2;
    public const ushort CTA_IP_V4_SRC = 1;
    public const ushort CTA_IP_V4_DST = 2;
    public const ushort CTA_IP_V6_SRC = 3;
    public const ushort CTA_IP_V6_DST = 4;
    public const ushort CTA_PROTO_NUM = 1;
    public const ushort CTA_PROTO_SRC_PORT = 2;
    public const ushort CTA_PROTO_DST_PORT = 3;
}
