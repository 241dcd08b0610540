using System.Runtime.InteropServices;

namespace EgressRouterCtl;

/// <summary>From its making on, SIGTERM and SIGINT do not end the program, but this wait.</summary>
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

    /// <summary>Whether somebody wants the program to end; waits so long for it.</summary>
    public bool Wait(TimeSpan limit) => _end.Wait(limit);

    public void Dispose()
    {
        Array.ForEach(_signals, signal => signal.Dispose());
        _end.Dispose();
    }
}
