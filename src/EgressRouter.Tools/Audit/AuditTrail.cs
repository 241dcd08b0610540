using Netlink;
using Netlink.NetFilter;

namespace EgressRouter.Tools.Audit;

/// <summary>Writes a line for each connection that the kernel tells of. What waits meanwhile waits in the kernel's buffer.</summary>
/// <param name="monitor">Tells of connections, and counts those that it has lost.</param>
/// <param name="write">Makes the record of a connection; null: it gets no line.</param>
internal sealed class AuditTrail(
    ChangeMonitor<ConnectionChange> monitor, AuditLog log, Func<ConnectionChange, AuditRecord?> write)
{
    /// <summary>More than the kernel's buffer needs: a step takes a thousand receives at most.</summary>
    private const int LastSteps = 64;

    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(250);

    /// <summary>Connections within this time are written at once.</summary>
    private static readonly TimeSpan _gathering = TimeSpan.FromMilliseconds(20);

    private uint _lost;

    private string? _failure;

    /// <summary>Works in the calling thread.</summary>
    /// <param name="ends">Waits that long, and says whether to end.</param>
    /// <param name="failed">Called with the reason when lines can no longer be written, once for each reason in turn.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Run(Func<TimeSpan, bool> ends, Action<string> failed)
    {
        log.Tell(AuditField.On);
        do
        {
            Step(_longestWait);
            TellFailure(failed);
        }
        while (!ends(_gathering));
        for (int steps = 0; steps < LastSteps; steps++)
        {
            Step(TimeSpan.Zero);
        }

        log.Flush(isLast: true);
        log.Tell(AuditField.Off);
        TellFailure(failed);
    }

    private void TellFailure(Action<string> failed)
    {
        if (log.Failure is string failure && failure != _failure)
        {
            failed(failure);
        }

        _failure = log.Failure;
    }

    private void Step(TimeSpan longestWait)
    {
        foreach (ConnectionChange change in monitor.Wait(longestWait).Changes)
        {
            if (write(change) is AuditRecord record)
            {
                log.Write(record);
            }
        }

        uint lost = monitor.Lost;
        log.Lose(AuditLoss.Kernel, lost - _lost);
        _lost = lost;
        log.Flush();
    }
}
