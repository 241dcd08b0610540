using EgressRouter.Legacy;
using EgressRouter.State;
using EgressRouter.Tools;
using EgressRouterCni.Logging;
using Serilog.Events;

namespace EgressRouterCni.CommandLine;

/// <summary><c>egress-router init</c>.</summary>
internal static class InitVerb
{
    public static int Run(Arguments arguments, Screen screen)
    {
        InitResult wanted = InitEnvironment.Read(Environment.GetEnvironmentVariable);
        foreach (string fault in wanted.Faults)
        {
            OperatorTools.Complain(fault);
        }

        if (wanted.Config is null)
        {
            return OperatorTools.Found;
        }

        bool isDryRun = arguments.Has("dry-run");
        // The image was the pod's only container in this mode: it stays until it is told to end, also before it has begun to stay.
        using Ending? end = wanted.Mode == InitMode.Legacy && !isDryRun ? new Ending() : null;
        bool isDebugging = Environment.GetEnvironmentVariable("EGRESS_ROUTER_DEBUG") is { Length: > 0 };
        RepairReport report = Initialization.Run(
            wanted.Config, arguments.Text("interface"), isDryRun, LogSetup.Create(null, isDebugging ? LogEventLevel.Verbose : LogEventLevel.Warning, Console.Error));
        foreach (PlanStep step in isDryRun ? report.Plan : [])
        {
            screen.Line($"would: {step}");
        }

        foreach (Difference difference in report.Left ?? [])
        {
            screen.Line(Piece.Bad($"not as it should be: {difference}"));
        }

        if (isDryRun || !report.Left!.Value.IsEmpty)
        {
            return isDryRun ? OperatorTools.Fine : OperatorTools.Found;
        }

        screen.Line(Piece.Good(report.Differences.IsEmpty ? "the pod is an egress router already" : "the pod is an egress router"));
        screen.Flush();
        _ = end?.Wait(Timeout.InfiniteTimeSpan);
        return OperatorTools.Fine;
    }
}
