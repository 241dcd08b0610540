using System.Collections.Immutable;
using System.Net;
using Netlink;
using Netlink.NetFilter;

namespace EgressDataPath.Kernel;

/// <summary>
/// The connections of egress addresses in the kernel's table of connections, when an address moves. Only TCP and UDP: a ping begins anew.
/// </summary>
internal static class EgressConnections
{
    private const byte Tcp = 6;
    private const byte Udp = 17;

    private const int ConnectionsInBatch = 256;

    /// <summary>The connections that leave this node with an egress address, as another egress node would have them.</summary>
    public static IReadOnlyList<ConntrackEntry> Of(NetlinkSocket netFilter, Settings settings, IPAddress address) =>
        [.. netFilter.ListConnections(
            connection => HasPorts(connection) && settings.SlotOf(connection.Mark) != 0,
            filter: new ConnectionFilter { TranslatedSource = address }).Select(WithoutService)];

    /// <summary>The connections that this node sends to the egress node of an address, as that node would have them.</summary>
    public static IReadOnlyList<ConntrackEntry> InSlot(NetlinkSocket netFilter, Settings settings, IPAddress address, int slot) =>
        [.. netFilter.ListConnections(
            HasPorts, filter: new ConnectionFilter { Mark = settings.ConnectionMark(slot), Mask = settings.ConnectionMask })
            .Select(connection => WithoutService(connection with { Reply = From(connection, address) }))];

    /// <summary>Translates the connections of slots as their new way needs it.</summary>
    public static void Rebind(NetlinkSocket netFilter, Settings settings, ImmutableArray<Rebinding> slots)
    {
        var bySlot = slots.ToDictionary(slot => slot.Slot);
        var changed = new List<(ConntrackEntry Before, ConntrackEntry After)>();
        foreach (ConntrackEntry connection in netFilter.ListConnections(
            connection => HasPorts(connection) && bySlot.ContainsKey(settings.SlotOf(connection.Mark))))
        {
            Rebinding slot = bySlot[settings.SlotOf(connection.Mark)];
            ConntrackTuple reply = slot.IsHere ? From(connection, slot.Address) : Untranslated(connection);
            if (reply != connection.Reply)
            {
                changed.Add((connection, connection with { Reply = reply }));
            }
        }

        Replace(netFilter, changed);
    }

    /// <summary>Makes connections of pods of other nodes, which another egress node had, connections of this one.</summary>
    /// <param name="replaces">Whether they replace what this node knows of them already.</param>
    public static int TakeOver(
        NetlinkSocket netFilter, Settings settings, IPAddress address, IEnumerable<ConntrackEntry> connections, bool replaces)
    {
        ConntrackEntry[] wanted = [.. connections.Where(HasPorts).Where(one => one.Reply.Destination.Equals(address)).Select(one => one with
        {
            Mark = settings.ConnectionMark(settings.TunnelSlot),
        })];
        if (replaces)
        {
            var tuples = wanted.Select(one => one.Original).ToHashSet();
            netFilter.DeleteConnections(netFilter.ListConnections(connection => tuples.Contains(connection.Original)));
        }

        return Create(netFilter, wanted);
    }

    private static void Replace(NetlinkSocket netFilter, List<(ConntrackEntry Before, ConntrackEntry After)> changed)
    {
        foreach ((ConntrackEntry Before, ConntrackEntry After)[] chunk in changed.Chunk(ConnectionsInBatch))
        {
            netFilter.DeleteConnections([.. chunk.Select(one => one.Before)]);
            Create(netFilter, [.. chunk.Select(one => one.After)]);
        }
    }

    /// <summary>A connection that exists again already, because of a packet in between, was decided by the new table.</summary>
    private static int Create(NetlinkSocket netFilter, IReadOnlyList<ConntrackEntry> connections)
    {
        int made = 0;
        foreach (ConntrackEntry[] chunk in connections.Chunk(ConnectionsInBatch))
        {
            var batch = new RequestBatch();
            foreach (ConntrackEntry connection in chunk)
            {
                batch.CreateConnection($"take over a connection of {connection.Reply.Destination}", connection);
            }

            IReadOnlyList<RefusedRequest> refused = netFilter.TryExecute(batch);
            made += chunk.Length - refused.Count;
            foreach (RefusedRequest failure in refused.Where(one => one.Error.Number is not Errno.EEXIST))
            {
                throw failure.Error;
            }
        }

        return made;
    }

    /// <summary>The pod of a Service was chosen on the pod's node: the egress node sees only the choice.</summary>
    private static ConntrackEntry WithoutService(ConntrackEntry connection) => connection with
    {
        Original = connection.Original with
        {
            Destination = connection.Reply.Source,
            DestinationPort = connection.Reply.SourcePort,
        },
    };

    private static bool HasPorts(ConntrackEntry connection) => connection.Original.Protocol is Tcp or Udp;

    /// <summary>The reply direction of a connection that leaves with an egress address; the port stays.</summary>
    private static ConntrackTuple From(ConntrackEntry connection, IPAddress address) => connection.Reply.Destination.Equals(address)
        ? connection.Reply
        : connection.Reply with { Destination = address, DestinationPort = connection.Original.SourcePort };

    private static ConntrackTuple Untranslated(ConntrackEntry connection) => connection.Reply with
    {
        Destination = connection.Original.Source,
        DestinationPort = connection.Original.SourcePort,
    };
}
