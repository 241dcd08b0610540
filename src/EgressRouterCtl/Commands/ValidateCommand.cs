using System.Collections.Immutable;
using CommandLine;
using EgressRouter.Tools;

namespace EgressRouterCtl.Commands;

[Verb("validate",
    HelpText = "Report every error in network configurations, with its line: JSON, lists, or NetworkAttachmentDefinitions in YAML.")]
[Examples("egress-routerctl validate nad.yaml", "kubectl get network-attachment-definitions -A -o yaml | egress-routerctl validate -")]
internal sealed class ValidateCommand : Command
{
    [Value(0, MetaName = "FILE...", HelpText = "The configurations; - for the standard input.")]
    public IEnumerable<string> Files { get; set; } = [];

    [Option("output", MetaValue = "text|json", Default = OutputFormat.Text, HelpText = "For people, or for programs.")]
    public OutputFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        ConfigSource[] sources = [.. Files.SelectMany(file => Validation.Ours(ConfigSource.ReadAll(file, context.Stdin)))];
        if (sources.Length == 0 && !Files.Any())
        {
            throw new UsageException("FILE is missing");
        }

        ImmutableArray<Finding> findings = [.. sources.SelectMany(source => Validation.Inspect(source))];
        if (Output == OutputFormat.Json)
        {
            WriteJson(screen, findings);
        }
        else
        {
            WriteText(screen, sources, findings);
        }

        return findings.All(finding => finding.IsWarning) ? ExitCode.Ok : ExitCode.ProblemsFound;
    }

    private static void WriteText(Screen screen, ConfigSource[] sources, ImmutableArray<Finding> findings)
    {
        foreach (Finding finding in findings)
        {
            screen.Line(
                finding.Where, " ", finding.IsWarning ? Styled.Doubtful(finding.Severity) : Styled.Bad(finding.Severity), " ",
                finding.What);
        }

        int faulty = findings.Where(finding => !finding.IsWarning).Select(finding => finding.Source).Distinct().Count();
        screen.Line(faulty == 0
            ? Styled.Good(sources.Length == 1 ? "the configuration is valid" : $"all {sources.Length} configurations are valid")
            : Styled.Bad($"{faulty} of {sources.Length} configuration{(sources.Length == 1 ? " is" : "s are")} not valid"));
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
            json.WriteString("path", finding.Fault.Path.ToString());
            json.WriteString("text", finding.Fault.Text);
            json.WriteString("reason", finding.Fault.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
