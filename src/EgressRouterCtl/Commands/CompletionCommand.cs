using CommandLine;

namespace EgressRouterCtl.Commands;

[Verb("completion", HelpText = "Print the completion of this program for bash.")]
[Examples("egress-routerctl completion > /usr/share/bash-completion/completions/egress-routerctl")]
internal sealed class CompletionCommand : Command
{
    protected override int Run(CommandContext context)
    {
        context.Screen.Lines($$"""
            # bash completion for egress-routerctl, as "egress-routerctl completion" prints it.
            _egress_routerctl() {
                local word=${COMP_WORDS[COMP_CWORD]} options
                COMPREPLY=()
                case ${COMP_WORDS[1]} in
            {{string.Join('\n', Application.Commands.Select(Case))}}
                    *) options= ;;
                esac
                if [ "$COMP_CWORD" -eq 1 ]; then
                    mapfile -t COMPREPLY < <(compgen -W "--help --version {{string.Join(' ', Application.Commands.Select(Name))}}" -- "$word")
                elif [ "${word#-}" != "$word" ]; then
                    mapfile -t COMPREPLY < <(compgen -W "--help $options" -- "$word")
                else
                    mapfile -t COMPREPLY < <(compgen -f -- "$word")
                fi
            }
            complete -o filenames -F _egress_routerctl egress-routerctl
            """);
        return ExitCode.Ok;
    }

    private static string Case(Type command) =>
        $"        {Name(command)}) options=\"{string.Join(' ', Application.OptionsOf(command).Select(option => "--" + option.LongName))}\" ;;";

    private static string Name(Type command) => Application.VerbOf(command).Name;
}
