using System.Globalization;
using SystemTests;

namespace Benchmarks;

/// <summary>What a start costs on a node with many mounts, beside the smallest native .NET program.</summary>
internal static class MountBenchmark
{
    private const int Rounds = 50;

    private static readonly int[] _counts = [0, 300, 1000];

    public static void Run(CancellationToken stop)
    {
        (string Name, string Path)[] programs = [.. Executables.Plugins, ("the smallest .NET program", Executables.Smallest)];
        using var lab = new Lab();
        using var pod = new FreshPod(lab);
        string stdin = Path.GetTempFileName();
        var spaces = new List<MountNamespace>();
        try
        {
            File.WriteAllText(stdin, """{"cniVersion":"1.0.0"}""");
            foreach (int count in _counts)
            {
                stop.ThrowIfCancellationRequested();
                spaces.Add(new MountNamespace(count));
            }

            Meter[][] meters = [.. programs.Select(program => _counts.Zip(spaces, (count, space) => new Meter(
                string.Create(CultureInfo.InvariantCulture, $"{program.Name}, {count:N0} mounts more"), space.Enter)).ToArray())];
            for (int round = -1; round < Rounds; round++)
            {
                stop.ThrowIfCancellationRequested();
                for (int mounts = 0; mounts < _counts.Length; mounts++)
                {
                    for (int program = 0; program < programs.Length; program++)
                    {
                        meters[program][mounts].Run(
                            lab.Node, stdin, PluginEnvironment.Of(pod, "VERSION"), [programs[program].Path], round >= 0);
                    }
                }
            }

            Print(meters);
        }
        finally
        {
            spaces.ForEach(space => space.Dispose());
            File.Delete(stdin);
        }
    }

    private static void Print(Meter[][] meters)
    {
        Report.Heading(
            $"VERSION by the node's mounts, {Rounds} times each, interleaved",
            "median ms", "minimum ms", "CPU ms", "ratio to 0", ": smallest");
        foreach (Meter[] program in meters)
        {
            for (int mounts = 0; mounts < _counts.Length; mounts++)
            {
                Meter meter = program[mounts];
                Report.Line(
                    meter.Name, meter.Times.Median.TotalMilliseconds, meter.Times.Minimum.TotalMilliseconds,
                    meter.Processor.Median.TotalMilliseconds, meter.Times.Median / program[0].Times.Median,
                    meter.Times.Median / meters[^1][mounts].Times.Median);
            }
        }
    }
}
