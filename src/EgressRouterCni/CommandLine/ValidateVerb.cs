using System.Collections.Immutable;
using EgressRouter.Tools;

namespace EgressRouterCni.CommandLine;

/// <summary><c>egress-router validate</c>.</summary>
internal static class ValidateVerb
{
    public static int Run(Arguments arguments, Screen screen, Stream stdin)
    {
        bool isJson = arguments.Choice("output", "text", "json") == "json";
        ConfigSource[] sources = arguments.Operands.Count == 0 ? throw new InputException("FILE is missing") : [.. arguments.Operands.SelectMany(file => Validation.Ours(ConfigSource.ReadAll(file, stdin)))];
        ImmutableArray<Finding> findings = [.. sources.SelectMany(source => Validation.Inspect(source))];
        if (isJson)
        {
            WriteJson(screen, findings);
        }
        else
        {
            WriteText(screen, sources, findings);
        }

        return findings.All(finding => finding.IsWarning) ? OperatorTools.Fine : OperatorTools.Found;
    }

    private static void WriteText(Screen screen, ConfigSource[] sources, ImmutableArray<Finding> findings)
    {
        foreach (Finding finding in findings)
        {
            screen.Line(finding.Where, " ", finding.IsWarning ? Piece.Doubtful(finding.Severity) : Piece.Bad(finding.Severity), " ", finding.What);
        }

        int faulty = findings.Where(finding => !finding.IsWarning).Select(finding => finding.Source).Distinct().Count();
        screen.Line(faulty == 0
            ? Piece.Good(sources.Length == 1 ? "the configuration is valid" : $"all {sources.Length} configurations are valid")
            : Piece.Bad($"{faulty} of {sources.Length} configuration{(sources.Length == 1 ? " is" : "s are")} not valid"));
    }

    private static void WriteJson(Screen screen, ImmutableArray<Finding> findings) => screen.Json(json =>
    {
        json.WriteStartArray();
        foreach (Finding finding in findings)
        {
            json.WriteStartObject();
            json.WriteString("file", finding.Source.File);
            json.WriteNumber("line", finding.Place.Line);
            json.WriteNumber("column", finding.Place.Column);
            json.WriteString("severity", finding.IsWarning ? "warning" : "error");
            json.WriteString("definition", finding.Source.Name);
            json.WriteString("path", finding.Fault.Path);
            json.WriteString("text", finding.Fault.Text);
            json.WriteString("reason", finding.Fault.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
