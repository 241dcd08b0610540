using System.Net;
using EgressDataPath.Desired;
using EgressRouter.Config;
using Netlink;
using Netlink.NetFilter;

namespace EgressDataPath.Kernel;

/// <summary>What has left with an egress address, and what has come back to it.</summary>
public readonly record struct AddressTraffic(Counted Sent, Counted Received);

/// <summary>The counters of a node's table.</summary>
public sealed class PacketCounters(NetNamespace node)
{
    /// <summary>The packets that each named counter has counted, by its name.</summary>
    /// <exception cref="NetlinkException">There is no table.</exception>
    public IReadOnlyDictionary<string, ulong> Read() => node.Run(() =>
    {
        using var netFilter = NetlinkSocket.OpenNetFilter();
        return netFilter.ReadCounters(TableFamily.Inet, Settings.Table).ToDictionary(counter => counter.Name,
            counter => counter.Counted.Packets);
    });

    /// <summary>The traffic of each egress address that the node holds, since the node took it.</summary>
    /// <exception cref="NetlinkException">There is no table.</exception>
    public IReadOnlyDictionary<IPAddress, AddressTraffic> ReadTraffic() => node.Run(() =>
    {
        using var netFilter = NetlinkSocket.OpenNetFilter();
        Dictionary<IPAddress, Counted> received = ReadSets(netFilter, EgressTable.ReceivedSet);
        return ReadSets(netFilter, EgressTable.SentSet).ToDictionary(
            sent => sent.Key, sent => new AddressTraffic(sent.Value, received.GetValueOrDefault(sent.Key)));
    });

    private static Dictionary<IPAddress, Counted> ReadSets(NetlinkSocket netFilter, string name) =>
        Families.All
            .SelectMany(family => netFilter.ReadMap(TableFamily.Inet, Settings.Table, TableParts.Named(name, family))?.Elements ?? [])
            .ToDictionary(element => new IPAddress(element.Key.Span), element => element.Counted);
}
