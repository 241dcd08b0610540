using System.Globalization;

namespace Shared;

/// <summary>The counts of a test run, one per line: scripts/test.sh prints them at the end.</summary>
internal static class Figures
{
    private static readonly Lock _lock = new();

    /// <summary>The middle and the longest of some times, in seconds.</summary>
    public static string Spread(IEnumerable<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return string.Create(CultureInfo.InvariantCulture, $"median {sorted[sorted.Length / 2]:0.00} s, longest {sorted[^1]:0.00} s");
    }

    public static void Note(string text)
    {
        lock (_lock)
        {
            Directory.CreateDirectory(Repository.PathOf("out"));
            File.AppendAllText(Repository.PathOf("out", "figures.txt"), text + "\n");
        }
    }
}
