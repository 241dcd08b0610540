using System.Numerics;
using CommandLine;
using EgressRouter.Tools;

namespace Terminal;

/// <summary>The input and output of a command.</summary>
/// <param name="Screen">Standard output.</param>
/// <param name="Stdin">Standard input.</param>
internal sealed record CommandContext(Screen Screen, Stream Stdin);

/// <summary>A command. Its properties are its options, which CommandLineParser sets.</summary>
internal abstract class Command
{
    // The parser drops operands that no property takes. This property collects them, so that they are reported.
    [Value(9, Hidden = true)]
    public IEnumerable<string> Rest { get; set; } = [];

    /// <summary>Refuses unexpected operands, and runs the command.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    /// <exception cref="UsageException">The command line is wrong.</exception>
    public int Start(CommandContext context) =>
        Rest.FirstOrDefault() is string unexpected ? throw new UsageException($"unexpected argument {unexpected}") : Run(context);

    protected abstract int Run(CommandContext context);

    protected static T InRange<T>(string option, T value, T least, T most)
        where T : INumber<T> =>
        value >= least && value <= most ? value : throw new UsageException($"--{option} {value}: it must be from {least} to {most}");
}

/// <summary>Working command lines, for the help.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ExamplesAttribute(params string[] lines) : Attribute
{
    public string[] Lines { get; } = lines;
}
