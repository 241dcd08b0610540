using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressDataPath.Kernel;

/// <summary>
/// Tells of changes of a node by any program: links and their rp_filter, addresses, routes, rules, and the nf_tables table.
/// </summary>
public sealed class KernelWatch : IDisposable
{
    /// <summary>On a busy node something changes all the time: more often than this it is not told.</summary>
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// A change of the table is heard at once, because packets may leave otherwise until it is undone; others after this.
    /// </summary>
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    private readonly ChangeMonitor<RoutingChange> _routing;

    private readonly ChangeMonitor<TableChange> _tables;

    /// <summary>Opens the monitors; what changes from now on is told.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public KernelWatch(NetNamespace node)
    {
        ArgumentNullException.ThrowIfNull(node);
        (_routing, _tables) = node.Run(() => (RoutingChange.OpenMonitor(), TableChange.OpenMonitor()));
    }

    /// <summary>Listens until it is stopped, in the calling thread.</summary>
    /// <param name="changed">Told at once of a change, or half a second after the change before.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Run(Action changed, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(changed);
        while (!stop.IsCancellationRequested)
        {
            HeardChanges<TableChange> tables = _tables.Wait(_pause);
            HeardChanges<RoutingChange> routing = _routing.Wait(TimeSpan.Zero);
            if (routing.WereLost || routing.Changes.Count > 0 || tables.WereLost
                || tables.Changes.Any(change => change is { Family: TableFamily.Inet, Table: Settings.Table }))
            {
                changed();
                stop.WaitHandle.WaitOne(_interval);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _routing.Dispose();
        _tables.Dispose();
    }
}
