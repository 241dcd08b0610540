namespace EgressRouterCni.CommandLine;

/// <summary>What <c>--help</c> says.</summary>
internal static class Help
{
    private const string Codes = """
        Exit codes:
          0  all is well
          1  what was looked for was found: a fault, a difference, a broken hop
          2  the question cannot be answered: bad usage, an unreadable file, no privilege

        Without arguments it is a CNI plugin, for a container runtime to call.
        """;

    /// <summary>The help of all verbs.</summary>
    public static void Write(Screen screen, IReadOnlyList<Verb> verbs)
    {
        screen.Line("egress-router: tools for the operators of egress routers");
        screen.Line();
        screen.Line("Usage: egress-router VERB [OPTION]... (egress-router VERB --help says more)");
        screen.Line("       egress-router --version");
        screen.Line();
        screen.Columns(verbs.Select(verb => new[] { verb.Name, verb.Operation }));
        screen.Line();
        screen.Line("Examples:");
        screen.Columns(verbs.Select(verb => new[] { verb.Examples[0] }));
        screen.Line();
        screen.Lines(Codes);
    }

    /// <summary>The help of one verb.</summary>
    public static void Write(Screen screen, Verb verb)
    {
        screen.Line($"Usage: egress-router {verb.Name} [OPTION]...{(verb.Operands.Length > 0 ? " " : "")}{verb.Operands}");
        screen.Line();
        screen.Line(verb.Operation);
        screen.Line();
        screen.Line("Options:");
        screen.Columns(verb.Options.Select(option => new[] { $"--{option.Name}{(option.Value is null ? "" : " " + option.Value)}", option.Help }));
        screen.Line();
        screen.Line("Examples:");
        screen.Columns(verb.Examples.Select(example => new[] { example }));
        screen.Line();
        screen.Lines(Codes);
    }
}
