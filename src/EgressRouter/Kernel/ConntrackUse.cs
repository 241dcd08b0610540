using System.Globalization;
using Netlink;

namespace EgressRouter.Kernel;

/// <summary>The use of the connection tracking table.</summary>
/// <param name="Entries">The number of tracked connections.</param>
/// <param name="Limit">The maximum number of entries, at which the kernel drops new connections.</param>
internal sealed record ConntrackUse(long Entries, long Limit)
{
    /// <summary>Whether the table is at least 98 percent full.</summary>
    public bool IsFull => Limit > 0 && Entries >= Limit - (Limit / 50);

    /// <summary>Reads the current namespace's use, or returns null if the kernel does not show it.</summary>
    internal static ConntrackUse? Read() =>
        long.TryParse(SysctlFile.Read("net/netfilter/nf_conntrack_count"), CultureInfo.InvariantCulture, out long entries)
        && long.TryParse(SysctlFile.Read("net/netfilter/nf_conntrack_max"), CultureInfo.InvariantCulture, out long limit)
            ? new ConntrackUse(entries, limit) : null;
}
