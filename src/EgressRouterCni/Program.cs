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
using Serilog.Events;
using static Tmds.Linux.LibC;

const string about =
    "CNI plugin: gives a pod a reserved source address and redirects clients' connections with it. Tools for operators: egress-routerctl";

// First of all: no file or socket of this program may become its standard input, output or error.
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
    // The plugin's only catch-all: whatever happens, the runtime gets one JSON error, and the log gets the place.
    try
    {
        PluginHost.WriteError(
            stdout, host.ConfigVersion, CniErrorCode.Internal, $"internal error: {unexpected.GetType().Name}: {unexpected.Message}",
            unexpected.StackTrace ?? "");
    }
    catch (IOException silent)
    {
        // Nobody reads the answer (stdout is closed, or its disk full): the exit code says that it failed.
        Say($"egress-router: cannot print the answer: {silent.Message}");
    }

    if (unexpected is not IOException)
    {
        log?.Fatal(unexpected, "internal error: {Message}", [unexpected.Message]);
    }
}

(log as IDisposable)?.Dispose();
// Until here: a signal that comes when all is done must not make a failure of it.
GC.KeepAlive(termination);
_exit(exitCode);
return exitCode;

ILogger Begin(CniRequest request)
{
    // Whoever ends the program politely finds nothing half done: ADD undoes what it has done, the others come to their end.
    // Not before the request is read: until then nothing is done, and the signal just ends the program.
    termination ??= PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
    {
        signal.Cancel = true;
        stop.Cancel();
    });

    // Serilog asks for it with each event, and it draws random numbers once: where it cannot, nothing has been done yet.
    _ = Activity.Current;
    LogSettings settings = LogSettings.Read(request.Config);
    LogEventLevel level = LogLevelNames.TryParse(settings.Level, out LogEventLevel wanted) ? wanted : LogEventLevel.Information;
    return log = LogSetup.Create(settings.File, level, stderr);
}

void Say(string text)
{
    try
    {
        stderr.WriteLine(text);
    }
    catch (IOException)
    {
        // Nobody listens here either.
    }
}
