using System.Diagnostics;
using System.Runtime.InteropServices;
using Cni;
using EgressRouter.Commands;
using EgressRouter.Config;
using EgressRouterCni;
using EgressRouterCni.CommandLine;
using EgressRouterCni.Logging;
using Serilog;
using Serilog.Events;

StandardStream.OpenMissing();
const string about = "a CNI plugin that gives a pod a reserved source address, and redirects clients' connections with it (--help: tools for operators)";

if (args.Length > 0 && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CNI_COMMAND")))
{
    // An operator at a shell. Runtimes give no arguments: the protocol is all environment.
    return OperatorTools.Run(args);
}

ILogger? log = null;
using var stop = new CancellationTokenSource();
PosixSignalRegistration? termination = null;
using Stream stdout = new StandardStream(1, StandardStream.DefaultLimit);
// Not Console.Error, which would prepare for a terminal: a thread for its signals, among other things.
using var stderr = new StreamWriter(new StandardStream(2, StandardStream.DefaultLimit)) { AutoFlush = true };
using var stdin = new StandardStream(0, StandardStream.DefaultLimit);
var host = new PluginHost(Environment.GetEnvironmentVariable, stdin, stdout, stderr, BuildInfo.Text, about);
int exitCode = 1;
try
{
    exitCode = host.Run(new EgressRouterPlugin(request => log = Begin(request), stop.Token));
}
catch (Exception unexpected)
{
    // The plugin's only catch-all: whatever happens, the runtime gets one JSON error, and the log gets the place.
    try
    {
        PluginHost.WriteError(
            stdout, host.ConfigVersion, CniErrorCode.Internal, $"internal error: {unexpected.GetType().Name}: {unexpected.Message}", unexpected.StackTrace ?? "");
    }
    catch (IOException silent)
    {
        // Nobody reads the answer (stdout is closed, or its disk full): the exit code says that it failed.
        log ??= LogSetup.Create(null, LogEventLevel.Information, stderr);
        log.Error("cannot print the answer: {Message:l}", silent.Message);
    }

    log?.Fatal(unexpected, "internal error: {Message}", unexpected.Message);
}

(log as IDisposable)?.Dispose();
// Until here: a signal that comes when all is done must not make a failure of it.
GC.KeepAlive(termination);
Libc.Exit(exitCode);
return exitCode;

ILogger Begin(CniRequest request)
{
    // On SIGTERM ADD rolls back; other commands run to completion. Before it has the request, the program just ends.
    termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
    {
        signal.Cancel = true;
        stop.Cancel();
    });
    // Serilog asks for it with each event, and it draws random numbers once: where it cannot, nothing has been done yet.
    _ = Activity.Current;
    LogSettings settings = LogSettings.Read(request.Config);
    LogEventLevel level = LogLevelNames.TryParse(settings.Level, out LogEventLevel wanted) ? wanted : LogEventLevel.Information;
    return LogSetup.Create(settings.File, level, stderr);
}
