using System.Collections.Immutable;
using CommandLine;
using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCtl.Commands;

[Verb("probe", HelpText = "Find the broken hop from inside the pod: the first line names it.")]
[Examples("egress-routerctl probe --netns /run/netns/web-0 nad.yaml")]
internal sealed class ProbeCommand : PodCommand
{
    [Option("timeout", MetaValue = "MS", Default = 1000, HelpText = "How long to wait for answers of each kind, 20 to 10000.")]
    public int Timeout { get; set; }

    [Option("output", MetaValue = "text|json", Default = OutputFormat.Text, HelpText = "For people, or for programs.")]
    public OutputFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        var limit = TimeSpan.FromMilliseconds(InRange("timeout", Timeout, 20, 10_000));
        RouterDefinition wanted = ReadFile(context.Stdin);
        using NetNamespace pod = Pod();
        ImmutableArray<ProbeStep> steps = Probe.Run(pod, wanted, InterfaceName, limit);
        ProbeStep? cause = steps.FirstOrDefault(step => !step.IsGood);
        ProbeStep? warning = steps.FirstOrDefault(step => step.IsWarning);
        if (Output == OutputFormat.Json)
        {
            WriteJson(screen, steps, cause);
        }
        else
        {
            screen.Line(cause is not null ? Styled.Bad($"{cause.Hop}: {cause.Words}")
                : warning is not null ? Styled.Doubtful($"every hop works, but {warning.Words}") : Styled.Good("every hop works"));
            foreach (ProbeStep step in steps)
            {
                screen.Line(
                    "  ", step.IsWarning ? Styled.Doubtful("warn") : step.IsGood ? Styled.Good("ok  ") : Styled.Bad("FAIL"),
                    $"  {step.Hop}: {step.Words}");
            }
        }

        return cause is null ? ExitCode.Ok : ExitCode.ProblemsFound;
    }

    private static void WriteJson(Screen screen, ImmutableArray<ProbeStep> steps, ProbeStep? cause) => screen.Json(json =>
    {
        json.WriteStartObject();
        json.WriteString("cause", cause is null ? null : $"{cause.Hop}: {cause.Words}");
        json.Objects("steps", steps, step =>
        {
            json.WriteString("hop", step.Hop);
            json.WriteBoolean("good", step.IsGood);
            json.WriteBoolean("warning", step.IsWarning);
            json.WriteString("words", step.Words);
        });
        json.WriteEndObject();
    });
}
