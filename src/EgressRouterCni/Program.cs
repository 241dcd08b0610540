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

const string about = "a CNI plugin that gives a pod a reserved source address, and redirects clients' connections with it (--help: tools for operators)";

if (args.Length > 0 && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CNI_COMMAND")))
{
    // An operator at a shell. Runtimes give no arguments: the protocol is all environment.
    return OperatorTools.Run(args);
}

ILogger? log = null;
using var stop = new CancellationTokenSource();
// Whoever ends the program politely finds nothing half done: ADD undoes what it has done, the others come to their end.
var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = true;
    stop.Cancel();
});
using Stream stdout = Console.OpenStandardOutput();
// Not Console.Error, which would prepare for a terminal: a thread for its signals, among other things.
using var stderr = new StreamWriter(Console.OpenStandardError()) { AutoFlush = true };
var host = new PluginHost(Environment.GetEnvironmentVariable, Console.OpenStandardInput(), stdout, stderr, BuildInfo.Text, about);
int exitCode = 1;
try
{
    exitCode = host.Run(new EgressRouterPlugin(request => log = OpenLog(request), stop.Token));
}
catch (Exception unexpected)
{
    // The plugin's only catch-all: whatever happens, the runtime gets one JSON error, and the log gets the place.
    try
    {
        PluginHost.WriteError(
            stdout, host.ConfigVersion, CniErrorCode.Internal, $"internal error: {unexpected.GetType().Name}: {unexpected.Message}", unexpected.StackTrace ?? "");
    }
    catch (Exception silent) when (silent is IOException or UnauthorizedAccessException)
    {
        // Nobody reads the answer (stdout is closed, or its disk full): the exit code says that it failed.
        stderr.WriteLine($"egress-router: cannot print the answer: {silent.Message}");
    }

    log?.Fatal(unexpected, "internal error: {Message}", unexpected.Message);
}

(log as IDisposable)?.Dispose();
// Until here: a signal that comes when all is done must not make a failure of it.
GC.KeepAlive(termination);
Libc.Exit(exitCode);
return exitCode;

ILogger OpenLog(CniRequest request)
{
    // Serilog asks for it with each event, and it draws random numbers once: where it cannot, nothing has been done yet.
    _ = Activity.Current;
    LogSettings settings = LogSettings.Read(request.Config);
    LogEventLevel level = LogLevelNames.TryParse(settings.Level, out LogEventLevel wanted) ? wanted : LogEventLevel.Information;
    return LogSetup.Create(settings.File, level, stderr);
}
