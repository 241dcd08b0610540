using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Cni;
using EgressRouter.Commands;
using EgressRouter.Config;
using EgressRouter.Logging;
using EgressRouterCni;
using EgressRouterCni.Logging;
using Serilog;
using static Tmds.Linux.LibC;

const string about =
    "CNI plugin: gives a pod a reserved source address and redirects clients' connections with it. Tools for operators: egress-routerctl";

// This comes first: no file or socket of this program may become its standard input, output or error.
StandardStream.OccupyClosed();
ILogger? log = null;
using var stop = new CancellationTokenSource();
PosixSignalRegistration? termination = null;
using var stdin = new StandardStream(0, StandardStream.DefaultLimit);
using var stdout = new StandardStream(1, StandardStream.DefaultLimit);
if (args is ["--version"] && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CNI_COMMAND")))
{
    stdout.Write(Encoding.UTF8.GetBytes(BuildInfo.Text + "\n"));
    return 0;
}

using var stderr = new StreamWriter(new StandardStream(2, StandardStream.DefaultLimit)) { AutoFlush = true };
var host = new PluginHost(Environment.GetEnvironmentVariable, stdin, stdout, stderr, BuildInfo.Text, about);
int exitCode = 1;
try
{
    exitCode = host.Run(new EgressRouterPlugin(Begin, stop.Token));
}
catch (Exception unexpected)
{
    // The last catch: the runtime always gets one JSON error, and the log gets the stack trace.
    try
    {
        PluginHost.WriteError(
            stdout, host.ConfigVersion, CniErrorCode.Internal, $"internal error: {unexpected.GetType().Name}: {unexpected.Message}",
            unexpected.StackTrace ?? "");
    }
    catch (IOException silent)
    {
        // The answer cannot be written (stdout is closed, or its disk is full): the exit code reports the failure.
        WriteToStderr($"egress-router: cannot print the answer: {silent.Message}");
    }

    if (unexpected is not IOException)
    {
        log?.Fatal(unexpected, "internal error: {Message}", [unexpected.Message]);
    }
}

(log as IDisposable)?.Dispose();
// Handles signals until here: one that arrives after the work must not turn success into failure.
GC.KeepAlive(termination);
_exit(exitCode);
return exitCode;

ILogger Begin(CniRequest request)
{
    // On SIGTERM, ADD rolls back, and the other commands finish. The handler is registered once the request is read:
    // before, nothing has been done, and the signal just ends the program.
    termination ??= PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
    {
        signal.Cancel = true;
        stop.Cancel();
    });

    // Serilog reads it with each event. Its first use draws random numbers, which may fail: here nothing has been done yet.
    _ = Activity.Current;
    LogSettings settings = LogSettings.Read(request.Config);
    return log = LogSetup.Create(settings.File, settings.Level.ToSerilog(), stderr);
}

void WriteToStderr(string text)
{
    try
    {
        stderr.WriteLine(text);
    }
    catch (IOException)
    {
        // stderr is closed too.
    }
}
