using System.Globalization;
using Shared;

namespace SystemTests.Reliability;

/// <summary>What a run answered, and the names of the system calls that it was met at (or, without a number, of all).</summary>
internal sealed record TracedResult(CommandResult Answer, string[] Calls);

/// <summary>Runs the plugin under <c>at-call</c>, which does something at one of its system calls.</summary>
internal static class AtCall
{
    /// <summary>At no call: the names of all calls are wanted.</summary>
    public const int All = 0;

    private static readonly Lazy<string> _program = new(() => Build("at-call"));

    private static readonly Lazy<Dictionary<string, string>> _names = new(() => File
        .ReadLines("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
        .Select(line => line.Split(' '))
        .Where(words => words is ["#define", _, _] && words[1].StartsWith("__NR_", StringComparison.Ordinal))
        .ToDictionary(words => words[2], words => words[1]["__NR_".Length..]));

    /// <summary>Runs a verb in the lab, and does <paramref name="action"/> at call <paramref name="number"/> (see at-call.c).</summary>
    public static TracedResult Run(
        Lab lab, string verb, string json, int number, string action, params (string Name, string? Value)[] with) =>
        Run(lab, verb, json, number.ToString(CultureInfo.InvariantCulture), action, with);

    /// <summary>
    /// The same at call <paramref name="number"/> of those with a name: where others are counted too, another run may have more of them
    /// before it.
    /// </summary>
    public static TracedResult RunAt(Lab lab, string verb, string json, int number, string name, string action) =>
        Run(lab, verb, json, string.Create(CultureInfo.InvariantCulture, $"{number}/{_names.Value.Single(call => call.Value == name).Key}"),
            action);

    /// <summary>The names of the calls of a verb that is left alone.</summary>
    public static string[] CallsOf(Lab lab, string verb, string json)
    {
        TracedResult result = Run(lab, verb, json, All, "none");
        Assert.True(result.Answer.ExitCode == 0, result.Answer.ToString());
        Assert.NotEmpty(result.Calls);
        return result.Calls;
    }

    private static TracedResult Run(
        Lab lab, string verb, string json, string count, string action, params (string Name, string? Value)[] with)
    {
        string report = Path.GetTempFileName();
        try
        {
            CommandResult answer = lab.RunBy([_program.Value, report, count, action], verb, json, "net1", with);
            return new TracedResult(answer, [.. File.ReadLines(report).Select(call => _names.Value[call])]);
        }
        finally
        {
            File.Delete(report);
        }
    }

    /// <summary>Compiles a tracer of this folder, and returns its path.</summary>
    public static string Build(string name)
    {
        string program = Repository.PathOf("out", name);
        Command.Must("gcc",
            ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program,
                Repository.PathOf("tests", "SystemTests", "Reliability", name + ".c")]);
        return program;
    }
}
