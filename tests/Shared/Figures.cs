namespace Shared;

/// <summary>What a run has counted, a line for each figure: scripts/test.sh prints them at its end.</summary>
internal static class Figures
{
    private static readonly Lock _lock = new();

    /// <summary>Keeps a figure.</summary>
    public static void Note(string text)
    {
        lock (_lock)
        {
            Directory.CreateDirectory(Repository.PathOf("out"));
            File.AppendAllText(Repository.PathOf("out", "figures.txt"), text + "\n");
        }
    }
}
