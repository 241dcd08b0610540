using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace EgressRouterCtl.Proxies;

/// <summary>What a proxy verb is told while it runs.</summary>
internal enum ProxySignal
{
    /// <summary>SIGHUP: the list has changed.</summary>
    Reload,

    /// <summary>SIGTERM, SIGINT or SIGUSR1: it is to end.</summary>
    End,

    /// <summary>The program has ended.</summary>
    ChildEnded,
}

/// <summary>
/// From its making on no signal is lost to a program that is supervised, as those are for which the first process of a container has
/// no handler: before it runs, the end comes at once, and the list is read again as soon as it does.
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

    /// <summary>Whether there is a program to be told. Until then, the end is this process' own, whatever it waits for.</summary>
    public bool HasProgram
    {
        get => _hasProgram;
        set => _hasProgram = value;
    }

    /// <summary>Waits for the next one.</summary>
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

    /// <summary>Whether one waits to be heard.</summary>
    public bool Has(ProxySignal signal)
    {
        lock (_queue)
        {
            return _queue.Contains(signal);
        }
    }

    /// <summary>Hands one to <see cref="Next"/>.</summary>
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
