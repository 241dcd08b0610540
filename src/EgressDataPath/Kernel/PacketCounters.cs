using Netlink;
using Netlink.NetFilter;

namespace EgressDataPath.Kernel;

/// <summary>The named counters of a node's table.</summary>
public sealed class PacketCounters(NetNamespace node)
{
    /// <summary>The packets that each counter has counted, by its name.</summary>
    /// <exception cref="NetlinkException">There is no table.</exception>
    public IReadOnlyDictionary<string, ulong> Read() => node.Run(() =>
    {
        using var netFilter = NetlinkSocket.OpenNetFilter();
        return netFilter.ReadCounters(TableFamily.Inet, Settings.Table).ToDictionary(counter => counter.Name,
            counter => counter.Counted.Packets);
    });
}
