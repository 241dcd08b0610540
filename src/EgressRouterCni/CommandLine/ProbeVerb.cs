using System.Collections.Immutable;
using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCni.CommandLine;

/// <summary><c>egress-router probe</c>.</summary>
internal static class ProbeVerb
{
    public static int Run(Arguments arguments, Screen screen, Stream stdin)
    {
        bool isJson = arguments.Choice("output", "text", "json") == "json";
        var limit = TimeSpan.FromMilliseconds(arguments.Number("timeout", 20, 10_000) ?? 1000);
        Wanted wanted = LiveOptions.Wanted(arguments, stdin);
        using NetNamespace pod = LiveOptions.Pod(arguments);
        ImmutableArray<ProbeStep> steps = Probe.Run(pod, wanted, LiveOptions.Interface(arguments), limit);
        ProbeStep? cause = steps.FirstOrDefault(step => !step.IsGood);
        ProbeStep? warning = steps.FirstOrDefault(step => step.IsWarning);
        if (isJson)
        {
            WriteJson(screen, steps, cause);
        }
        else
        {
            screen.Line(cause is not null ? Piece.Bad($"{cause.Hop}: {cause.Words}")
                : warning is not null ? Piece.Doubtful($"every hop works, but {warning.Words}") : Piece.Good("every hop works"));
            foreach (ProbeStep step in steps)
            {
                screen.Line("  ", step.IsWarning ? Piece.Doubtful("warn") : step.IsGood ? Piece.Good("ok  ") : Piece.Bad("FAIL"), $"  {step.Hop}: {step.Words}");
            }
        }

        return cause is null ? OperatorTools.Fine : OperatorTools.Found;
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
