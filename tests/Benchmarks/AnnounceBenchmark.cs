using System.Diagnostics;
using System.Text.Json.Nodes;
using SystemTests;

namespace Benchmarks;

/// <summary>
/// What announcing the addresses, and asking before whether somebody else has them, adds to ADD. Nothing is announced
/// where the parent has no carrier; all else is the same there.
/// </summary>
internal static class AnnounceBenchmark
{
    private const int Rounds = 10;

    public static void Run(CancellationToken stop)
    {
        using var mute = new Lab();
        using var lab = new Lab();
        Lab.Batch(mute.Lan, "link set node0 down");
        (string Name, Lab Lab, string Config, Samples Samples)[] cases =
        [
            ("nothing announced: no carrier", mute, Config.DualStack, new Samples()),
            ("announced", lab, Config.DualStack, new Samples()),
            ("asked before, for 20 ms", lab, Asking(20), new Samples()),
            ("asked before, for 200 ms (default)", lab, Asking(200), new Samples()),
        ];
        for (int round = -1; round < Rounds; round++)
        {
            foreach (var (name, place, config, samples) in cases)
            {
                stop.ThrowIfCancellationRequested();
                long start = Stopwatch.GetTimestamp();
                CommandResult result = place.Run("ADD", config);
                TimeSpan time = Stopwatch.GetElapsedTime(start);
                Assert.True(result.ExitCode == 0, $"ADD, {name}: {result}");
                Assert.Equal(place == mute, result.Stderr.Contains("not announced", StringComparison.Ordinal));
                _ = place.Run("DEL", config);
                if (round >= 0)
                {
                    samples.Add(time);
                }
            }
        }

        Report.Heading($"ADD with an address of each family, {Rounds} times each, interleaved", "median ms", "minimum ms", "ratio");
        foreach (var (name, _, _, samples) in cases)
        {
            Report.Line(
                name, samples.Median.TotalMilliseconds, samples.Minimum.TotalMilliseconds, samples.Median / cases[0].Samples.Median);
        }
    }

    private static string Asking(int milliseconds) => Config.ChangedDualStack(json =>
    {
        json["conflictDetection"] = "on";
        json["conflictDetectionTimeout"] = (JsonNode)milliseconds;
    });
}
