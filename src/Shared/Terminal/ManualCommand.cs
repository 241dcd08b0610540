using CommandLine;

namespace Terminal;

[Verb("manual", HelpText = "Print the section COMMANDS of the man page.")]
[Examples(BuildInfo.Name + " manual")]
internal sealed class ManualCommand : Command
{
    protected override int Run(CommandContext context)
    {
        foreach (Type command in ProgramInfo.Commands)
        {
            VerbAttribute verb = Application.VerbOf(command);
            context.Screen.Lines($".SS {Roff(verb.Name)}{Roff(Application.OperandsOf(command))}\n{Roff(verb.HelpText)}");
            foreach (OptionAttribute option in Application.OptionsOf(command))
            {
                context.Screen.Lines(
                    $".TP\n.B {Roff((option.ShortName.Length > 0 ? $"-{option.ShortName}, " : "") + "--" + option.LongName)}{(option.MetaValue is { Length: > 0 } value ? $" \\fI{Roff(value)}\\fR" : "")}\n{Roff(option.HelpText)}");
            }

            context.Screen.Lines(
                $".PP\nExamples:\n.nf\n{string.Join('\n', Application.ExamplesOf(command).Select(line => "    " + Roff(line)))}\n.fi");
        }

        return ExitCode.Ok;
    }

    /// <summary>Escapes text for roff: it begins no request, and its dashes can be searched for.</summary>
    private static string Roff(string text) =>
        (text is ['.' or '\'', ..] ? "\\&" : "") + text.Replace("\\", "\\e", StringComparison.Ordinal)
            .Replace("-", "\\-", StringComparison.Ordinal);
}
