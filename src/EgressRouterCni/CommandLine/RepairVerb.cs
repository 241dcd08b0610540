using System.Collections.Immutable;
using System.Globalization;
using EgressRouter.State;
using EgressRouter.Tools;
using EgressRouterCni.Logging;
using Netlink;
using Serilog.Events;

namespace EgressRouterCni.CommandLine;

/// <summary><c>egress-router repair</c>.</summary>
internal static class RepairVerb
{
    public static int Run(Arguments arguments, Screen screen, Stream stdin)
    {
        bool isJson = arguments.Choice("output", "text", "json") == "json";
        Wanted wanted = LiveOptions.Wanted(arguments, stdin);
        using NetNamespace pod = LiveOptions.Pod(arguments);
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        RepairReport report = Repair.Run(pod, wanted, LiveOptions.Interface(arguments), arguments.Has("dry-run"), LogSetup.Create(null, LogEventLevel.Warning, log));
        if (log.ToString() is { Length: > 0 } heard)
        {
            OperatorTools.WriteError(heard.TrimEnd('\n'));
        }

        if (isJson)
        {
            WriteJson(screen, report);
        }
        else
        {
            WriteText(screen, report);
        }

        ImmutableArray<Difference> open = report.Left ?? report.Differences;
        return open.IsEmpty ? OperatorTools.Fine : OperatorTools.Found;
    }

    private static void WriteText(Screen screen, RepairReport report)
    {
        screen.Line(report.Differences.IsEmpty ? Piece.Good("nothing differs from the configuration")
            : report.Left is null ? Piece.Doubtful($"{report.Differences.Length} difference{(report.Differences.Length == 1 ? "" : "s")}, nothing is changed")
            : report.Left.Value.IsEmpty ? Piece.Good("repaired")
            : Piece.Bad($"not repaired: {report.Left.Value[0]}"));
        foreach (Difference difference in report.Differences)
        {
            screen.Line($"  differs: {difference}");
        }

        foreach (PlanStep step in report.Plan)
        {
            screen.Line($"  {(report.Left is null ? "would" : "did")}: {step}");
        }
    }

    private static void WriteJson(Screen screen, RepairReport report) => screen.Json(json =>
    {
        json.WriteStartObject();
        json.Strings("differences", report.Differences);
        json.Strings("plan", report.Plan);
        json.WriteBoolean("done", report.Left is not null);
        json.Strings("left", report.Left ?? []);
        json.WriteEndObject();
    });
}
