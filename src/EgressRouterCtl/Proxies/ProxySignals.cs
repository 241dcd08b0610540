using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace EgressRouterCtl.Proxies;

/// <summary>An event for a running proxy command.</summary>
internal enum ProxySignal
{
    /// <summary>SIGHUP: the list has changed.</summary>
    Reload,

    /// <summary>SIGTERM, SIGINT or SIGUSR1: the program must end.</summary>
    End,

    /// <summary>The program has ended.</summary>
    ChildEnded,
}

/// <summary>
/// Queues signals for a supervised program. The kernel discards a signal for which a container's first process has no handler, so
/// that handlers exist before the program runs: until then, a termination signal exits at once, and a reload is queued.
/// </summary>
internal sealed class ProxySignals : IDisposable
{
    private readonly Queue<ProxySignal> _queue = new();
    private readonly PosixSignalRegistration[] _registrations;
    private volatile bool _hasProgram;

    public ProxySignals() => _registrations =
    [
        On(PosixSignal.SIGHUP, ProxySignal.Reload),
        On(PosixSignal.SIGTERM, ProxySignal.End),
        On(PosixSignal.SIGINT, ProxySignal.End),
        On((PosixSignal)SIGUSR1, ProxySignal.End),
    ];

    /// <summary>Whether a program runs that gets the signals. Before that, a termination signal ends this process at once.</summary>
    public bool HasProgram
    {
        get => _hasProgram;
        set => _hasProgram = value;
    }

    /// <summary>Waits for the next event.</summary>
    public ProxySignal Next()
    {
        lock (_queue)
        {
            while (_queue.Count == 0)
            {
                _ = Monitor.Wait(_queue);
            }

            return _queue.Dequeue();
        }
    }

    /// <summary>Whether an event is queued.</summary>
    public bool Has(ProxySignal signal)
    {
        lock (_queue)
        {
            return _queue.Contains(signal);
        }
    }

    public void Add(ProxySignal signal)
    {
        lock (_queue)
        {
            _queue.Enqueue(signal);
            Monitor.Pulse(_queue);
        }
    }

    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private PosixSignalRegistration On(PosixSignal signal, ProxySignal meaning) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        if (meaning == ProxySignal.End && !HasProgram)
        {
            Environment.Exit(ExitCode.Ok);
        }

        Add(meaning);
    });
}
