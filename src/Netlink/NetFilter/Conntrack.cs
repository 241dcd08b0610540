using Netlink.Routing;
using Netlink.Wire;
using static Netlink.NetFilter.ConntrackConstants;

namespace Netlink.NetFilter;

/// <summary>
/// Reads, creates and deletes the conntrack entries of a network namespace (nf_conntrack_netlink; EINVAL: the kernel lacks it).
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
    /// <param name="filter">Selects connections; null for all.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static void ReadConnections(
        this NetlinkSocket socket, Action restart, Action<ConntrackEntry> take, ConnectionFilter? filter = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(restart);
        ArgumentNullException.ThrowIfNull(take);
        NetlinkRequest list = NetlinkRequest.Dump("list tracked connections", restart, message =>
        {
            if (message.Type == IPCTNL_MSG_CT_NEW && ConntrackEntry.Read(message) is var connection && filter?.Matches(connection) != false)
            {
                take(connection);
            }

            return false;
        });
        list.Request.BeginMessage(IPCTNL_MSG_CT_GET, 0);
        list.Request.WriteNetFilterHeader(filter?.Family ?? Unspecified, 0);
        filter?.WriteTo(list.Request);
        list.Request.EndMessage();
        socket.Ask(list);
    }

    /// <summary>Lists at most <paramref name="most"/> of the connections that <paramref name="isWanted"/> selects.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static IReadOnlyList<ConntrackEntry> ListConnections(
        this NetlinkSocket socket, Predicate<ConntrackEntry> isWanted, int most = int.MaxValue, ConnectionFilter? filter = null)
    {
        ArgumentNullException.ThrowIfNull(isWanted);
        var found = new List<ConntrackEntry>();
        socket.ReadConnections(
            found.Clear,
            connection =>
            {
                if (found.Count < most && isWanted(connection))
                {
                    found.Add(connection);
                }
            },
            filter);
        return found;
    }

    /// <summary>
    /// How many connections the kernel did not begin, because another had the same addresses and ports: <c>insert_failed</c> of
    /// <c>conntrack -S</c>, of all processors together.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static long CountFailedConnections(this NetlinkSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        long failed = 0;
        NetlinkRequest list = NetlinkRequest.Dump("read the statistics of tracked connections", () => failed = 0, message =>
        {
            AttributeReader attributes = message.Attributes(NftablesConstants.NfHeaderLength);
            while (attributes.Next(out Wire.Attribute attribute))
            {
                failed += attribute.Type == CTA_STATS_INSERT_FAILED ? attribute.UInt32BigEndian() : 0;
            }

            return false;
        });
        list.Request.BeginMessage(IPCTNL_MSG_CT_GET_STATS_CPU, 0);
        list.Request.WriteNetFilterHeader(Unspecified, 0);
        list.Request.EndMessage();
        socket.Ask(list);
        return failed;
    }

    /// <summary>
    /// Creates a connection, for example one that another machine has tracked so far: with its mark, its time-out, its state and its
    /// translation (EEXIST: it exists; EOPNOTSUPP: it is translated, but the kernel has no NAT). It must have ports.
    /// </summary>
    public static void CreateConnection(this RequestBatch batch, object operation, ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(connection);
        MessageWriter writer = batch.Begin(operation, IPCTNL_MSG_CT_NEW, NetlinkProtocol.NLM_F_CREATE | NetlinkProtocol.NLM_F_EXCL);
        writer.WriteNetFilterHeader(KernelFamily.Of(connection.Original.Source), 0);
        connection.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Deletes connections, so that their next packet is evaluated by the current rules.</summary>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="isUnwanted">Selects the connections.</param>
    /// <param name="filter">Selects connections before the callback does; null for all.</param>
    /// <exception cref="NetlinkException">The kernel refuses. A connection that has ended meanwhile is not an error.</exception>
    public static void DeleteConnections(
        this NetlinkSocket socket, Predicate<ConntrackEntry> isUnwanted, ConnectionFilter? filter = null)
    {
        IReadOnlyList<ConntrackEntry> some;
        do
        {
            some = socket.ListConnections(isUnwanted, MaxEntries, filter);
            socket.DeleteConnections(some);
        }
        while (some.Count == MaxEntries);
    }

    /// <summary>Deletes connections that were listed. One that has ended meanwhile is not an error.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static void DeleteConnections(this NetlinkSocket socket, IReadOnlyList<ConntrackEntry> connections)
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
