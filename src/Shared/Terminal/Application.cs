using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Cni;
using CommandLine;
using CommandLine.Text;
using EgressRouter.Tools;

namespace Terminal;

/// <summary>Runs the command that the arguments name.</summary>
internal static class Application
{
    private const int HelpWidth = 120;

    /// <summary>Runs the program from its start to its end.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static int Start(string[] arguments)
    {
        // First of all: no file or socket of this program may become its standard input, output or error.
        StandardStream.OccupyClosed();
        try
        {
            if (!StandardStream.IsOpen(1))
            {
                throw new IOException("standard output: it is closed");
            }

            using Screen screen = Screen.Open();
            using var stdin = new StandardStream(0, Timeout.InfiniteTimeSpan);
            return Run(arguments, new CommandContext(screen, stdin));
        }
        catch (Exception failure) when (ProgramInfo.IsExpected(failure))
        {
            StandardError.WriteError(failure.Message);
            return ExitCode.Failed;
        }
        catch (Exception unexpected)
        {
            // The only catch-all: whatever a pod or a file holds must not end in a core dump.
            StandardError.WriteError(
                $"internal error, please report it: {unexpected.GetType().Name}: {unexpected.Message}\n{unexpected.StackTrace}");
            return ExitCode.Failed;
        }
    }

    private static int Run(string[] arguments, CommandContext context)
    {
        if (RepeatedOption(arguments) is string repeated)
        {
            throw new UsageException($"{repeated} is given more than once");
        }

        if (OptionWithoutValue(arguments) is string option)
        {
            throw new UsageException($"{option} needs a value");
        }

        using Parser parser = MakeParser();
        ParserResult<object> result = parser.ParseArguments(arguments, ProgramInfo.Commands);
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
            settings.AllowMultiInstance = true;
            settings.CaseInsensitiveEnumValues = true;
        });
        Environment.SetEnvironmentVariable("TERM", terminal);
        return parser;
    }

    /// <summary>Finds an option without its value, such as a final <c>--netns</c>, which the parser ignores.</summary>
    private static string? OptionWithoutValue(string[] arguments)
    {
        HashSet<string> withValue = [.. OptionsOf(arguments).Where(option => option.Attribute.MetaValue.Length > 0).SelectMany(NamesOf)];
        return arguments.TakeWhile(argument => argument != "--").Index()
            .FirstOrDefault(
                each => withValue.Contains(each.Item) && (each.Index + 1 == arguments.Length || arguments[each.Index + 1].StartsWith("--",
                    StringComparison.Ordinal))).Item;
    }

    /// <summary>The parser either takes no option more than once, or every one, and the last counts.</summary>
    private static string? RepeatedOption(string[] arguments)
    {
        string[] given = [.. arguments.TakeWhile(argument => argument != "--").Select(argument => argument.Split('=')[0])];
        return OptionsOf(arguments).Where(option => !option.IsList && given.Count(NamesOf(option).Contains) > 1)
            .Select(option => "--" + option.Attribute.LongName).FirstOrDefault();
    }

    /// <summary>The options of the command that the arguments name; none if they name none.</summary>
    private static IEnumerable<(OptionAttribute Attribute, bool IsList)> OptionsOf(string[] arguments) =>
        Array.Find(ProgramInfo.Commands, type => VerbOf(type).Name == arguments.FirstOrDefault()) is Type command
            ? PropertiesOf(command).Select(
                property => (property.GetCustomAttribute<OptionAttribute>()!, property.PropertyType == typeof(IEnumerable<string>)))
            : [];

    private static string[] NamesOf((OptionAttribute Attribute, bool IsList) option) =>
        [.. ((string[])["--" + option.Attribute.LongName, "-" + option.Attribute.ShortName]).Where(name => name.Length > 1)];

    /// <summary>Keeps a command's members in the native binary: the parser finds them by reflection.</summary>
    public static Type Kept<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>()
        where T : Command => typeof(T);

    private static string HelpOf(ParserResult<object> result, Type? command)
    {
        var help = new HelpText
        {
            Heading = $"{BuildInfo.Name}: {ProgramInfo.Purpose}",
            AddDashesToOption = command is not null,
            AutoHelp = false,
            AutoVersion = false,
            MaximumDisplayWidth = HelpWidth
        };
        string[] examples;
        if (command is null)
        {
            help.AddPreOptionsLines(
                ["", $"Usage: {BuildInfo.Name} COMMAND [OPTION]... ({BuildInfo.Name} COMMAND --help says more)"])
                .AddVerbs(ProgramInfo.Commands);
            examples = [.. ProgramInfo.Commands.Select(type => ExamplesOf(type)[0])];
        }
        else
        {
            VerbAttribute verb = VerbOf(command);
            help.AddPreOptionsLines(
                ["", $"Usage: {BuildInfo.Name} {verb.Name} [OPTION]...{OperandsOf(command)}", "", verb.HelpText]).AddOptions(result);
            examples = ExamplesOf(command);
        }

        // AddPostOptionsLines would wrap the lines of the examples.
        return string.Join(
            '\n',
            [
                help.ToString().TrimEnd(), "", "Examples:", .. examples.Select(line => "  " + line),
                "", "Exit codes:", .. ProgramInfo.ExitCodes.Select(line => "  " + line),
            ]);
    }

    public static VerbAttribute VerbOf(Type command) => command.GetCustomAttribute<VerbAttribute>()!;

    /// <summary>The command's examples, at least one.</summary>
    public static string[] ExamplesOf(Type command) => command.GetCustomAttribute<ExamplesAttribute>()!.Lines;

    /// <summary>The command's options, including inherited ones.</summary>
    public static IEnumerable<OptionAttribute> OptionsOf(Type command) =>
        PropertiesOf(command).Select(property => property.GetCustomAttribute<OptionAttribute>()!);

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Kept keeps the properties of all commands.")]
    private static IEnumerable<PropertyInfo> PropertiesOf(Type command) =>
        command.GetProperties().Where(property => property.IsDefined(typeof(OptionAttribute)));

    /// <summary>The command's operands, each after a blank.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "As above.")]
    public static string OperandsOf(Type command) => string.Concat(command.GetProperties()
        .Select(
            property => property.GetCustomAttribute<ValueAttribute>()).OfType<ValueAttribute>().Where(value => !value.Hidden)
                .Select(value => " " + value.MetaName));

    private static string TextOf(Error error, Type command) => error switch
    {
        BadVerbSelectedError unknown =>
            $"unknown command {unknown.Token}; the commands are: {string.Join(", ", ProgramInfo.Commands.Select(type => VerbOf(type).Name))}",
        NoVerbSelectedError => $"a command is missing: see {BuildInfo.Name} --help",
        UnknownOptionError unknown => $"unknown option {(unknown.Token.Length == 1 ? "-" : "--")}{unknown.Token}",
        MissingValueOptionError missing => $"--{missing.NameInfo.LongName} needs a value",
        BadFormatConversionError bad =>
            $"--{bad.NameInfo.LongName}: the value must be {OptionsOf(command).First(option => option.LongName == bad.NameInfo.LongName).MetaValue}",
        _ => SentenceBuilder.Create().FormatError(error),
    };
}
