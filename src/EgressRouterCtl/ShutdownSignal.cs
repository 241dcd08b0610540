using System.Runtime.InteropServices;

namespace EgressRouterCtl;

/// <summary>From its construction on, SIGTERM and SIGINT no longer end the process, but complete <see cref="Wait"/>.</summary>
internal sealed class ShutdownSignal : IDisposable
{
    private readonly ManualResetEventSlim _end = new();
    private readonly PosixSignalRegistration[] _signals;

    public ShutdownSignal()
    {
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _end.Set();
        }

        _signals = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop), PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop)];
    }

    /// <summary>Waits at most this long for a signal; returns whether one has arrived.</summary>
    public bool Wait(TimeSpan limit) => _end.Wait(limit);

    public void Dispose()
    {
        Array.ForEach(_signals, signal => signal.Dispose());
        _end.Dispose();
    }
}
