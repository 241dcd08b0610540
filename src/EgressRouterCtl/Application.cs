using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using CommandLine;
using CommandLine.Text;
using EgressRouter.Tools;
using EgressRouterCtl.Commands;
using EgressRouterCtl.Output;
using EgressRouterCtl.Proxies;

namespace EgressRouterCtl;

/// <summary>Runs the command that the arguments name.</summary>
internal static class Application
{
    private const int HelpWidth = 120;

    /// <summary>The commands, in the order in which a user needs them.</summary>
    public static Type[] Commands { get; } =
    [
        Kept<ValidateCommand>(), Kept<ExplainCommand>(), Kept<StatusCommand>(), Kept<ProbeCommand>(), Kept<RepairCommand>(),
        Kept<ConvertCommand>(),
        Kept<InstallCommand>(), Kept<InitCommand>(), Kept<HttpProxyCommand>(), Kept<DnsProxyCommand>(), Kept<ProxyHealthCommand>(),
        Kept<CompletionCommand>(), Kept<ManualCommand>(),
    ];

    public static int Run(string[] arguments, CommandContext context)
    {
        if (OptionWithoutValue(arguments) is string option)
        {
            throw new UsageException($"{option} needs a value");
        }

        using Parser parser = MakeParser();
        ParserResult<object> result = parser.ParseArguments(arguments, Commands);
        if (result is Parsed<object> { Value: Command command })
        {
            return command.Start(context);
        }

        Error[] errors = [.. result.Errors];
        switch (errors[0])
        {
            case VersionRequestedError:
                context.Screen.Line(BuildInfo.Text);
                return ExitCode.Ok;
            case HelpRequestedError:
                context.Screen.Lines(HelpOf(result, result.TypeInfo.Current));
                return ExitCode.Ok;
            case HelpVerbRequestedError { Matched: true } help:
                return Run([help.Verb, "--help"], context);
            case HelpVerbRequestedError:
                context.Screen.Lines(HelpOf(result, null));
                return ExitCode.Ok;
            default:
                foreach (Error error in errors)
                {
                    StandardError.WriteError(TextOf(error, result.TypeInfo.Current));
                }

                return ExitCode.Failed;
        }
    }

    private static Parser MakeParser()
    {
        // ParserSettings reads the terminal's width from Console, which changes the terminal's mode if TERM is set.
        string? terminal = Environment.GetEnvironmentVariable("TERM");
        Environment.SetEnvironmentVariable("TERM", null);
        var parser = new Parser(settings =>
        {
            settings.HelpWriter = null;
            settings.EnableDashDash = true;
            settings.CaseInsensitiveEnumValues = true;
        });
        Environment.SetEnvironmentVariable("TERM", terminal);
        return parser;
    }

    /// <summary>Finds an option without its value, such as a final <c>--netns</c>, which the parser ignores.</summary>
    private static string? OptionWithoutValue(string[] arguments)
    {
        Type? command = Array.Find(Commands, type => VerbOf(type).Name == arguments.FirstOrDefault());
        HashSet<string> withValue = command is null ? []
            : [.. OptionsOf(command).Where(option => option.MetaValue.Length > 0).Select(option => "--" + option.LongName)];
        return arguments.TakeWhile(argument => argument != "--").Index()
            .FirstOrDefault(
                each => withValue.Contains(each.Item) && (each.Index + 1 == arguments.Length || arguments[each.Index + 1].StartsWith("--",
                    StringComparison.Ordinal))).Item;
    }

    /// <summary>Keeps a command's members in the native binary: the parser finds them by reflection.</summary>
    private static Type Kept<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>()
        where T : Command => typeof(T);

    private static string HelpOf(ParserResult<object> result, Type? command)
    {
        var help = new HelpText
        {
            Heading = "egress-routerctl: tools for operators of egress routers",
            AddDashesToOption = command is not null,
            AutoHelp = false,
            AutoVersion = false,
            MaximumDisplayWidth = HelpWidth
        };
        string[] examples;
        if (command is null)
        {
            help.AddPreOptionsLines(
                ["", "Usage: egress-routerctl COMMAND [OPTION]... (egress-routerctl COMMAND --help says more)"]).AddVerbs(Commands);
            examples = [.. Commands.Select(type => ExamplesOf(type)[0])];
        }
        else
        {
            VerbAttribute verb = VerbOf(command);
            help.AddPreOptionsLines(
                ["", $"Usage: egress-routerctl {verb.Name} [OPTION]...{OperandsOf(command)}", "", verb.HelpText]).AddOptions(result);
            examples = ExamplesOf(command);
        }

        // AddPostOptionsLines would wrap the lines of the examples.
        return string.Join(
            '\n', [help.ToString().TrimEnd(), "", "Examples:", .. examples.Select(line => "  " + line), "", .. ExitCode.Help]);
    }

    public static VerbAttribute VerbOf(Type command) => command.GetCustomAttribute<VerbAttribute>()!;

    /// <summary>The command's examples, at least one.</summary>
    public static string[] ExamplesOf(Type command) => command.GetCustomAttribute<ExamplesAttribute>()!.Lines;

    /// <summary>The command's options, including inherited ones.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Kept keeps the properties of all commands.")]
    public static IEnumerable<OptionAttribute> OptionsOf(Type command) =>
        command.GetProperties().Select(property => property.GetCustomAttribute<OptionAttribute>()).OfType<OptionAttribute>();

    /// <summary>The command's operands, each after a blank.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "As above.")]
    public static string OperandsOf(Type command) => string.Concat(command.GetProperties()
        .Select(
            property => property.GetCustomAttribute<ValueAttribute>()).OfType<ValueAttribute>().Where(value => !value.Hidden)
                .Select(value => " " + value.MetaName));

    private static string TextOf(Error error, Type command) => error switch
    {
        BadVerbSelectedError unknown =>
            $"unknown command {unknown.Token}; the commands are: {string.Join(", ", Commands.Select(type => VerbOf(type).Name))}",
        NoVerbSelectedError => "a command is missing: see egress-routerctl --help",
        UnknownOptionError unknown => $"unknown option {(unknown.Token.Length == 1 ? "-" : "--")}{unknown.Token}",
        MissingValueOptionError missing => $"--{missing.NameInfo.LongName} needs a value",
        RepeatedOptionError repeated => $"--{repeated.NameInfo.LongName} is given more than once",
        BadFormatConversionError bad =>
            $"--{bad.NameInfo.LongName}: the value must be {OptionsOf(command).First(option => option.LongName == bad.NameInfo.LongName).MetaValue}",
        _ => SentenceBuilder.Create().FormatError(error),
    };
}
