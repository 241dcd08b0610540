using System.Text.Json.Nodes;
using Shared;

namespace SystemTests.Tools;

/// <summary>The operator's command line, as somebody on a node uses it.</summary>
internal static class Tool
{
    private static readonly Dictionary<string, string> _environment = new() { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" };

    private static readonly Lazy<string> _connections = new(() => Compile("connections", "SystemTests", "Tools"));

    private static readonly Lazy<string> _measure = new(() => Compile("measure", "Benchmarks"));

    /// <summary>Runs a verb on no node in particular.</summary>
    public static CommandResult Run(string stdin, params string[] arguments) => Command.Run(Lab.Ctl, arguments, stdin, _environment);

    /// <summary>Runs a verb on the lab's node, with the configuration on its standard input.</summary>
    public static CommandResult On(Lab lab, string config, params string[] arguments) =>
        Command.Run("nsenter", ["--net=" + Lab.PathOf(lab.Node), Lab.Ctl, .. arguments], config, _environment);

    /// <summary>As <see cref="On"/>, about the lab's pod.</summary>
    public static CommandResult OnPod(Lab lab, string config, string verb, params string[] options) =>
        On(lab, config, [verb, "--netns", Lab.PathOf(lab.Pod), .. options, "-"]);

    /// <summary>Success, nothing on stderr, and a text that begins so.</summary>
    public static void AssertText(this CommandResult result, string beginning)
    {
        Assert.True(result is { ExitCode: 0, Stderr: "" }, result.ToString());
        Assert.StartsWith(beginning, result.Stdout, StringComparison.Ordinal);
    }

    /// <summary>The program that connections.c makes.</summary>
    public static string Connections => _connections.Value;

    /// <summary>The program that measure.c makes.</summary>
    public static string Measure => _measure.Value;

    /// <summary>The destinations of <c>status</c> by their texts.</summary>
    public static Dictionary<string, JsonNode> Destinations(Lab lab)
    {
        CommandResult result = On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod), "--output", "json");
        Assert.True(result.ExitCode == 0, result.ToString());
        return JsonNode.Parse(result.Stdout)!.AsArray().Single()!["destinations"]!.AsArray()
            .ToDictionary(destination => (string)destination!["destination"]!, destination => destination!);
    }

    private static string Compile(string name, params string[] folders)
    {
        string program = Repository.PathOf("out", name);
        Command.Must(
            "gcc",
            ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program,
                Repository.PathOf(["tests", .. folders, name + ".c"])]);
        return program;
    }
}
