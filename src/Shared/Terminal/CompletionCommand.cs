using CommandLine;

namespace Terminal;

[Verb("completion", HelpText = "Print the completion of this program for bash.")]
[Examples(BuildInfo.Name + " completion > /usr/share/bash-completion/completions/" + BuildInfo.Name)]
internal sealed class CompletionCommand : Command
{
    private static readonly string _function = BuildInfo.Name.Replace('-', '_');

    protected override int Run(CommandContext context)
    {
        context.Screen.Lines($$"""
            # bash completion for {{BuildInfo.Name}}, as "{{BuildInfo.Name}} completion" prints it.
            _{{_function}}() {
                local word=${COMP_WORDS[COMP_CWORD]} options
                COMPREPLY=()
                case ${COMP_WORDS[1]} in
            {{string.Join('\n', ProgramInfo.Commands.Select(Case))}}
                    *) options= ;;
                esac
                if [ "$COMP_CWORD" -eq 1 ]; then
                    mapfile -t COMPREPLY < <(compgen -W "--help --version {{string.Join(' ', ProgramInfo.Commands.Select(Name))}}" -- "$word")
                elif [ "${word#-}" != "$word" ]; then
                    mapfile -t COMPREPLY < <(compgen -W "--help $options" -- "$word")
                else
                    mapfile -t COMPREPLY < <(compgen -f -- "$word")
                fi
            }
            complete -o filenames -F _{{_function}} {{BuildInfo.Name}}
            """);
        return ExitCode.Ok;
    }

    private static string Case(Type command) =>
        $"        {Name(command)}) options=\"{string.Join(' ', Application.OptionsOf(command).Select(option => "--" + option.LongName))}\" ;;";

    private static string Name(Type command) => Application.VerbOf(command).Name;
}
