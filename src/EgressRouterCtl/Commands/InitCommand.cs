using CommandLine;
using EgressRouter.Legacy;
using EgressRouter.Logging;
using EgressRouter.State;
using EgressRouter.Tools;
using Serilog.Events;

namespace EgressRouterCtl.Commands;

[Verb("init",
    HelpText =
        "In a pod, as its init container: make net1 or macvlan0 the egress interface, as the variables of the legacy image say (EGRESS_SOURCE, EGRESS_GATEWAY, EGRESS_DESTINATION, EGRESS_ROUTER_MODE).")]
[Examples("EGRESS_SOURCE=192.168.12.99/24 EGRESS_GATEWAY=192.168.12.1 EGRESS_DESTINATION='80 tcp 192.168.12.91' EGRESS_ROUTER_MODE=init egress-routerctl init")]
internal sealed class InitCommand : Command
{
    [Option("interface", MetaValue = "NAME", HelpText = "The interface, if it has another name.")]
    public string? Interface { get; set; }

    [Option("dry-run", HelpText = "Show the steps, and change nothing.")]
    public bool DryRun { get; set; }

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        InitResult wanted = InitEnvironment.Read(Environment.GetEnvironmentVariable);
        foreach (string fault in wanted.Faults)
        {
            StandardError.WriteError(fault);
        }

        if (wanted.Config is null)
        {
            return ExitCode.ProblemsFound;
        }

        // In this mode the image was the pod's only container: it keeps running until a signal, which may come before the wait.
        using ShutdownSignal? end = wanted.Mode == InitMode.Legacy && !DryRun ? new ShutdownSignal() : null;
        bool isDebugging = Environment.GetEnvironmentVariable("EGRESS_ROUTER_DEBUG") is { Length: > 0 };
        RepairReport report = InPodSetup.Run(
            wanted.Config, Interface, DryRun, TextLog.Create(isDebugging ? LogEventLevel.Verbose : LogEventLevel.Warning, Console.Error));
        foreach (PlanStep step in DryRun ? report.Plan : [])
        {
            screen.Line($"would: {step}");
        }

        foreach (Difference difference in report.Left ?? [])
        {
            screen.Line(Styled.Bad($"not as it should be: {difference}"));
        }

        if (DryRun || !report.Left!.Value.IsEmpty)
        {
            return DryRun ? ExitCode.Ok : ExitCode.ProblemsFound;
        }

        screen.Line(Styled.Good(report.Differences.IsEmpty ? "the pod is an egress router already" : "the pod is an egress router"));
        screen.Flush();
        _ = end?.Wait(Timeout.InfiniteTimeSpan);
        return ExitCode.Ok;
    }
}
