namespace Shared;

/// <summary>The counts of a test run, one per line: scripts/test.sh prints them at the end.</summary>
internal static class Figures
{
    private static readonly Lock _lock = new();

    public static void Note(string text)
    {
        lock (_lock)
        {
            Directory.CreateDirectory(Repository.PathOf("out"));
            File.AppendAllText(Repository.PathOf("out", "figures.txt"), text + "\n");
        }
    }
}
