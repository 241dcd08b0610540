using System.Globalization;
using System.Text.RegularExpressions;
using Shared;

namespace EgressRouter.Tests;

/// <summary>The rules of .editorconfig that no compiler checks.</summary>
public partial class StyleTests
{
    /// <summary>Ignores raw string literals, which are text in other languages, and literals that cannot be broken.</summary>
    [Fact]
    public void No_line_is_longer_than_editorconfig_allows()
    {
        int limit = int.Parse(
            MaxLineLength().Match(File.ReadAllText(Repository.PathOf(".editorconfig"))).Groups[1].Value, CultureInfo.InvariantCulture);
        IEnumerable<string> files = ((string[])["src", "tests"])
            .SelectMany(folder => Directory.EnumerateFiles(Repository.PathOf(folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !BuildOutput().IsMatch(file));
        Assert.Empty(files.SelectMany(file => LongLines(file, limit)));
    }

    private static IEnumerable<string> LongLines(string file, int limit)
    {
        bool isRaw = false;
        foreach ((int index, string line) in File.ReadLines(file).Index())
        {
            int fences = RawFence().Count(line);
            bool counts = !isRaw && fences == 0;
            isRaw ^= fences % 2 == 1;
            if (counts && line.Length > limit && Literal().Replace(line, "").Length > limit / 2)
            {
                yield return $"{Path.GetRelativePath(Repository.Root, file)}:{index + 1}: {line.Length} columns";
            }
        }
    }

    [GeneratedRegex("max_line_length = ([0-9]+)")]
    private static partial Regex MaxLineLength();

    [GeneratedRegex("/(bin|obj)/")]
    private static partial Regex BuildOutput();

    [GeneratedRegex("\"{3,}")]
    private static partial Regex RawFence();

    [GeneratedRegex("\"(?:\\\\.|[^\"\\\\])*\"")]
    private static partial Regex Literal();
}
