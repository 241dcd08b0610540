using System.Runtime.InteropServices;

namespace EgressRouterCni.CommandLine;

/// <summary>What a container does that has done its work, and must not end.</summary>
internal static class Staying
{
    /// <summary>Waits until somebody wants the program to end: SIGTERM, SIGINT.</summary>
    public static void UntilTheEnd()
    {
        using var end = new ManualResetEventSlim();
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            end.Set();
        }

        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        end.Wait();
    }
}
