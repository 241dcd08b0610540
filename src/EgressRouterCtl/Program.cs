using Cni;
using EgressRouterCtl;
using EgressRouterCtl.Output;

// This comes first: no file or socket of this program may become its standard input, output or error.
StandardStream.OccupyClosed();
try
{
    if (!StandardStream.IsOpen(1))
    {
        throw new IOException("standard output: it is closed");
    }

    using Screen screen = Screen.Open();
    using var stdin = new StandardStream(0, Timeout.InfiniteTimeSpan);
    return Application.Run(args, new CommandContext(screen, stdin));
}
catch (Exception failure) when (ExitCode.IsExpected(failure))
{
    StandardError.WriteError(failure.Message);
    return ExitCode.Failed;
}
catch (Exception unexpected)
{
    // The only catch-all: a pod's content must not cause a core dump.
    StandardError.WriteError(
        $"internal error, please report it: {unexpected.GetType().Name}: {unexpected.Message}\n{unexpected.StackTrace}");
    return ExitCode.Failed;
}
