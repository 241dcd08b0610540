using System.Diagnostics;
using System.Globalization;
using SystemTests;

namespace Benchmarks;

/// <summary>What ADD costs by the number of destinations, from the start of the process to its end.</summary>
internal static class AddBenchmark
{
    private const int Rounds = 15;

    private static readonly int[] _counts = [1, 100, 1000, Destinations.Many];

    public static void Run(CancellationToken stop)
    {
        using var lab = new Lab();
        (int Count, string Config, Samples Samples)[] cases =
            [.. _counts.Select(count => (count, Destinations.Config(count), new Samples()))];
        for (int round = -1; round < Rounds; round++)
        {
            foreach (var (_, config, samples) in cases)
            {
                stop.ThrowIfCancellationRequested();
                long start = Stopwatch.GetTimestamp();
                CommandResult result = lab.Run("ADD", config);
                TimeSpan time = Stopwatch.GetElapsedTime(start);
                Assert.True(result.ExitCode == 0, $"ADD: {result}");
                lab.Delete(config);

                // The first round is there to fill the caches.
                if (round >= 0)
                {
                    samples.Add(time);
                }
            }
        }

        Report.Heading($"ADD, {Rounds} times each, interleaved", "median ms", "minimum ms", "ratio to 1");
        Samples one = cases[0].Samples;
        foreach (var (count, _, samples) in cases)
        {
            Report.Line(
                string.Create(CultureInfo.InvariantCulture, $"{count:N0} destination{(count == 1 ? "" : "s")}"),
                samples.Median.TotalMilliseconds,
                samples.Minimum.TotalMilliseconds,
                samples.Median / one.Median);
        }
    }
}
