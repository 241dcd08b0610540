using System.Numerics;
using CommandLine;
using EgressRouter.Tools;
using EgressRouterCtl.Output;

namespace EgressRouterCtl;

/// <summary>What a command reads and writes.</summary>
/// <param name="Screen">The standard output.</param>
/// <param name="Stdin">The standard input.</param>
internal sealed record CommandContext(Screen Screen, Stream Stdin);

/// <summary>A command of the command line. Its properties are its options; CommandLineParser sets them.</summary>
internal abstract class Command
{
    // The parser drops operands that no property takes. They must be told.
    [Value(9, Hidden = true)]
    public IEnumerable<string> Rest { get; set; } = [];

    /// <summary>Checks what the parser does not, and runs the command.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    /// <exception cref="UsageException">The command line is wrong.</exception>
    public int Start(CommandContext context) =>
        Rest.FirstOrDefault() is string unexpected ? throw new UsageException($"unexpected argument {unexpected}") : Run(context);

    protected abstract int Run(CommandContext context);

    protected static T InRange<T>(string option, T value, T least, T most)
        where T : INumber<T> =>
        value >= least && value <= most ? value : throw new UsageException($"--{option} {value}: it must be from {least} to {most}");
}

/// <summary>Command lines that work, for the help.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ExamplesAttribute(params string[] lines) : Attribute
{
    public string[] Lines { get; } = lines;
}
