using EgressDataPath.Kernel;
using EgressRouter.Tools.Audit;
using Netlink;
using Netlink.NetFilter;
using Prometheus;
using Serilog;
using Settings = EgressDataPath.Settings;

namespace EgressOperator.Agent.Audit;

/// <summary>What the audit log of a node is to have.</summary>
/// <param name="File">Null: the standard output.</param>
/// <param name="FileBytes">When the file begins anew.</param>
/// <param name="LinesPerSecond">The most.</param>
internal sealed record AuditRequest(bool WithStarts, string? File, long FileBytes, int LinesPerSecond);

/// <summary>The audit log of a node: the connections that leave it with an egress address, whosever pods they are.</summary>
internal sealed class NodeAudit : IDisposable
{
    private readonly string _node;

    private readonly Settings _settings;

    private readonly PodOwners _pods;

    private readonly ILogger _log;

    private readonly ChangeMonitor<ConnectionChange> _monitor;

    private readonly RotatingFile? _file;

    private readonly Stream _stdout = AuditLog.OpenStandardOutput();

    private readonly AuditLog _lines;

    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public NodeAudit(
        AuditRequest request, string node, NetNamespace space, Settings settings, PodOwners pods, CollectorRegistry metrics, ILogger log)
    {
        (_node, _settings, _pods, _log) = (node, settings, pods, log);
        foreach (string note in space.Run(AuditSysctls.TurnOn))
        {
            log.Warning("audit log: {Note:l}", [note]);
        }

        _monitor = space.Run(() => ConnectionChange.OpenLog((mark, _) => settings.HasEgressAddress(mark), request.WithStarts));
        _file = request.File is null ? null : new RotatingFile(request.File, request.FileBytes);
        _lines = new AuditLog(_file is null ? _stdout.Write : _file.Write, request.LinesPerSecond, node, TimeProvider.System);
        AuditMetrics.Add(metrics, _lines);
    }

    /// <summary>Works until it is stopped, in the calling thread.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Run(CancellationToken stop)
    {
        if (_pods.WaitUntilKnown(stop))
        {
            new AuditTrail(_monitor, _lines, RecordOf).Run(
                stop.WaitHandle.WaitOne, failure => _log.Error("lines of the audit log are missing: {Failure:l}", [failure]));
        }
    }

    public void Dispose()
    {
        _monitor.Dispose();
        _file?.Dispose();
        _stdout.Dispose();
    }

    private AuditRecord? RecordOf(ConnectionChange change)
    {
        ConntrackEntry connection = change.Connection;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        DateTimeOffset? since = connection.Started ?? (change.Event == ConnectionEvent.New ? now : null);
        return ConnectionCounts.LeavesHere(_settings, connection)
            ? AuditRecord.Of(change, now, _node, _pods.Find(connection.Original.Source, since)) : null;
    }
}
