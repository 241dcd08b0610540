using Cni;
using EgressRouter.Commands;
using EgressRouter.Config;
using EgressRouterCni.CommandLine;
using EgressRouterCni.Logging;
using Serilog;
using Serilog.Events;

const string about = "egress-router: a CNI plugin that gives a pod a reserved source address, and redirects clients' connections with it";

using Stream stdout = Console.OpenStandardOutput();
if (args.Length > 0 && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CNI_COMMAND")))
{
    // An operator at a shell. Runtimes give no arguments: the protocol is all environment.
    return OperatorTools.Run(args, Console.OpenStandardInput(), stdout, Console.Error);
}

ILogger? log = null;
var host = new PluginHost(Environment.GetEnvironmentVariable, Console.OpenStandardInput(), stdout, Console.Error, about);
try
{
    return host.Run(new EgressRouterPlugin(request => log = OpenLog(request)));
}
catch (Exception unexpected)
{
    // The only catch-all: whatever happens, the runtime gets one JSON error, and the log gets the place.
    log?.Fatal(unexpected, "internal error: {Message}", unexpected.Message);
    try
    {
        PluginHost.WriteError(
            stdout, host.ConfigVersion, CniErrorCode.Internal, $"internal error: {unexpected.GetType().Name}: {unexpected.Message}", unexpected.StackTrace ?? "");
    }
    catch (Exception silent) when (silent is IOException or UnauthorizedAccessException)
    {
        // Nobody reads the answer (stdout is closed, or its disk full): the exit code says that it failed.
        Console.Error.WriteLine($"egress-router: cannot print the answer: {silent.Message}");
    }

    return 1;
}
finally
{
    (log as IDisposable)?.Dispose();
}

static ILogger OpenLog(CniRequest request)
{
    LogSettings settings = LogSettings.Read(request.Config);
    LogEventLevel level = LogLevelNames.TryParse(settings.Level, out LogEventLevel wanted) ? wanted : LogEventLevel.Information;
    return LogSetup.Create(settings.File, level, Console.Error);
}
