using System.Collections.Immutable;
using System.Globalization;
using CommandLine;
using EgressRouter.Logging;
using EgressRouter.State;
using EgressRouter.Tools;
using Netlink;
using Serilog.Events;

namespace EgressRouterCtl.Commands;

[Verb("repair",
    HelpText = "Make a router match FILE. The original configuration does not matter. Connections to unchanged destinations continue.")]
[Examples("egress-routerctl repair --dry-run --netns /run/netns/web-0 nad.yaml",
    "egress-routerctl repair --netns /run/netns/web-0 nad.yaml")]
internal sealed class RepairCommand : NamespaceCommand
{
    [Option("dry-run", HelpText = "Show the differences and the steps, and change nothing.")]
    public bool DryRun { get; set; }

    [Option("output", MetaValue = "text|json", Default = OutputFormat.Text, HelpText = "For people, or for programs.")]
    public OutputFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        RouterDefinition wanted = ReadFile(context.Stdin);
        using NetNamespace pod = Pod();
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        RepairReport report;
        using (var progress = new ProgressLine())
        {
            report = Repair.Run(pod, wanted, InterfaceName, DryRun, TextLog.Create(LogEventLevel.Warning, log), progress);
        }

        if (log.ToString() is { Length: > 0 } heard)
        {
            StandardError.Write(heard.TrimEnd('\n'));
        }

        if (Output == OutputFormat.Json)
        {
            WriteJson(screen, report);
        }
        else
        {
            WriteText(screen, report);
        }

        ImmutableArray<Difference> open = report.Left ?? report.Differences;
        return open.IsEmpty ? ExitCode.Ok : ExitCode.ProblemsFound;
    }

    private static void WriteText(Screen screen, RepairReport report)
    {
        screen.Line(report.Differences.IsEmpty ? Styled.Good("nothing differs from the configuration")
            : report.Left is null
            ? Styled.Doubtful($"{report.Differences.Length} difference{(report.Differences.Length == 1 ? "" : "s")}, nothing is changed")
            : report.Left.Value.IsEmpty ? Styled.Good("repaired")
            : Styled.Bad($"not repaired: {report.Left.Value[0]}"));
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
