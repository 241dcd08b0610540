using System.Globalization;
using System.Text.RegularExpressions;
using SystemTests;

namespace Benchmarks;

/// <summary>How many instructions each command executes: nearly the same in each run, so that a small change is seen.</summary>
internal static partial class InstructionBenchmark
{
    private const int Rounds = 3;

    private static readonly string[] _commands = ["VERSION", "ADD", "CHECK", "DEL"];

    public static void Run(CancellationToken stop)
    {
        using var lab = new Lab();
        string folder = Directory.CreateTempSubdirectory("egress-router-bench-").FullName;
        try
        {
            (string Name, string Path)[] plugins = [.. Executables.Plugins.Select(plugin => (plugin.Name, Stripped(plugin.Path, folder)))];
            double[][][] counts = [.. plugins.Select(_ => new double[Rounds][])];
            for (int round = 0; round < Rounds; round++)
            {
                for (int plugin = 0; plugin < plugins.Length; plugin++)
                {
                    stop.ThrowIfCancellationRequested();
                    counts[plugin][round] = CountOf(lab, plugins[plugin].Path, Path.Combine(folder, "log"));
                }
            }

            string[] others = plugins.Length == 1 ? [] : ["BASE", "ratio"];
            Report.Heading($"Millions of instructions (callgrind), median of {Rounds}", ["median", "spread", .. others]);
            for (int command = 0; command < _commands.Length; command++)
            {
                double[][] sorted = [.. counts.Select(rounds => rounds.Select(round => round[command]).Order().ToArray())];
                double median = sorted[0][Rounds / 2];
                double[] compared = plugins.Length == 1 ? [] : [sorted[1][Rounds / 2], median / sorted[1][Rounds / 2]];
                Report.Line(_commands[command], [median, sorted[0][^1] - sorted[0][0], .. compared]);
            }

            using var pod = new FreshPod(lab);
            string smallest = Stripped(Executables.Smallest, folder);
            Report.Line(
                "the smallest .NET program", Count(lab, smallest, Path.Combine(folder, "log"), "", PluginEnvironment.Of(pod, ""), out _));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A copy without symbols: callgrind stops at what .NET writes for debuggers (DWARF 5).</summary>
    private static string Stripped(string executable, string folder)
    {
        string copy = Path.Combine(folder, Path.GetRandomFileName());
        Command.Must("strip", ["--strip-all", "-o", copy, executable]);
        return copy;
    }

    /// <summary>Millions of instructions of each command, on a fresh pod.</summary>
    private static double[] CountOf(Lab lab, string plugin, string log)
    {
        using var pod = new FreshPod(lab);
        string stdin = Config.Redirect;
        var counts = new List<double>();
        foreach (string command in _commands)
        {
            counts.Add(Count(lab, plugin, log, stdin, PluginEnvironment.Of(pod, command), out string answer));
            stdin = command == "ADD" ? Attacher.WithResult(stdin, answer) : stdin;
        }

        return [.. counts];
    }

    private static double Count(
        Lab lab, string program, string log, string stdin, Dictionary<string, string> environment, out string answer)
    {
        CommandResult result = Command.Run(
            "nsenter",
            ["--net=" + Lab.PathOf(lab.Node), "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-file=" + log,
                program],
            stdin, environment);
        Assert.True(result.ExitCode == 0, $"{program}: {result}");
        answer = result.Stdout;
        return long.Parse(Collected().Match(File.ReadAllText(log)).Groups[1].Value, CultureInfo.InvariantCulture) / 1e6;
    }

    [GeneratedRegex(@"Collected : (\d+)")]
    private static partial Regex Collected();
}
