using System.Diagnostics;
using System.Net;
using EgressRouter.Kernel;
using Netlink;
using Netlink.NetFilter;

namespace EgressDataPath.Kernel;

/// <summary>What an egress address is used for on the node that holds it.</summary>
/// <param name="Connections">The connections that leave with it.</param>
/// <param name="Ports">Those of them to one destination: address, port and protocol. Each needs a port of its own.</param>
public readonly record struct AddressUse(int Connections, int Ports);

/// <summary>Counts in the kernel's table of connections.</summary>
public sealed class ConnectionCounts(NetNamespace node, Settings settings)
{
    /// <summary>The ports that the kernel chooses from, if the port of the pod is taken: all but the privileged ones.</summary>
    public const int UsablePorts = 65_536 - 1024;

    /// <summary>Whoever asks again and again must not keep the kernel busy: it lists all connections.</summary>
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();

    private IReadOnlyDictionary<IPAddress, AddressUse> _uses = new Dictionary<IPAddress, AddressUse>();

    private long? _readAt;

    /// <summary>
    /// Whether a connection leaves this node with an egress address. On the node of a pod, the source of what goes into the tunnel stays
    /// the pod.
    /// </summary>
    public static bool LeavesHere(Settings settings, ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(connection);
        return settings.HasEgressAddress(connection.Mark) && !connection.Reply.Destination.Equals(connection.Original.Source);
    }

    /// <summary>The use of each egress address that has connections, now or at most two seconds ago.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public IReadOnlyDictionary<IPAddress, AddressUse> Read()
    {
        lock (_lock)
        {
            if (_readAt is not long at || Stopwatch.GetElapsedTime(at) > _interval)
            {
                _uses = ReadNow();
                _readAt = Stopwatch.GetTimestamp();
            }

            return _uses;
        }
    }

    private Dictionary<IPAddress, AddressUse> ReadNow() => node.Run(() =>
    {
        var destinations = new Dictionary<(IPAddress EgressIP, IPAddress, ushort, byte), int>();
        using var netFilter = NetlinkSocket.OpenNetFilter();
        netFilter.ReadConnections(destinations.Clear, connection =>
        {
            if (LeavesHere(settings, connection))
            {
                ConntrackTuple answer = connection.Reply;
                (IPAddress, IPAddress, ushort, byte) key = (answer.Destination, answer.Source, answer.SourcePort, answer.Protocol);
                destinations[key] = destinations.GetValueOrDefault(key) + 1;
            }
        });
        return destinations.GroupBy(one => one.Key.EgressIP, one => one.Value)
            .ToDictionary(one => one.Key, one => new AddressUse(one.Sum(), one.Max()));
    });

    /// <summary>How many connections the table of the node has, and how many it may have; 0 if nothing tracks connections.</summary>
    public (long Entries, long Limit) ReadTable() =>
        node.Run(ConntrackUse.Read) is ConntrackUse use ? (use.Entries, use.Limit) : (0, 0);

    /// <summary>
    /// How many connections of the node, of whatever kind, the kernel has not begun: no port was free, or another was faster.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public long ReadFailures() => node.Run(() =>
    {
        using var netFilter = NetlinkSocket.OpenNetFilter();
        return netFilter.CountFailedConnections();
    });
}
