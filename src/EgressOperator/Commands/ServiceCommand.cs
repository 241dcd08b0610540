using System.Net;
using System.Runtime.InteropServices;
using CommandLine;
using EgressRouter.Config;
using EgressRouter.Logging;
using EgressRouter.Tools;
using Serilog;

namespace EgressOperator.Commands;

/// <summary>A command that works until it is stopped, and logs on stderr.</summary>
internal abstract class ServiceCommand : ClusterCommand
{
    [Option("log-level", MetaValue = "error|warning|info|debug", Default = "info", HelpText = "The least that is logged, on stderr.")]
    public string Level { get; set; } = "info";

    protected override int Run(CommandContext context) => RunAsync().GetAwaiter().GetResult();

    /// <returns>The exit code.</returns>
    protected abstract Task<int> RunAsync();

    /// <exception cref="UsageException">There is no such level.</exception>
    protected ILogger CreateLog()
    {
        LogLevel level = LogLevels.Parse(Level)
            ?? throw new UsageException($"--log-level {Level}: it must be error, warning, info or debug");
        return TextLog.Create(level.ToSerilog(), Console.Error);
    }

    protected static IPNetwork ReadNetwork(string option, string text) => IPNetwork.TryParse(text, out IPNetwork network)
        ? network
        : throw new UsageException($"--{option} {text}: it is not a network such as 10.96.0.0/12");

    /// <summary>Until the result is disposed of, a signal does this in the place of ending the process.</summary>
    protected static PosixSignalRegistration On(PosixSignal signal, Action act) => PosixSignalRegistration.Create(signal, received =>
    {
        received.Cancel = true;
        act();
    });
}
