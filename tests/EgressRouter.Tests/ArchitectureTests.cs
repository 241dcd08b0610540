using System.Text.RegularExpressions;
using Shared;

namespace EgressRouter.Tests;

/// <summary>The layers of docs/architecture.md, checked by the sources' using directives.</summary>
public partial class ArchitectureTests
{
    /// <summary>Each folder of src, and the namespaces that it uses besides its own and .NET's: the table of the document.</summary>
    private static readonly Dictionary<string, string[]> _layers = Row().Matches(Table()).ToDictionary(
        row => row.Groups[1].Value, row => Name().Matches(row.Groups[2].Value).Select(name => name.Groups[1].Value).ToArray());

    public static TheoryData<string> Folders() => [.. _layers.Keys];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_uses_what_the_table_says(string folder)
    {
        string[] listed = _layers[folder];
        string[] known = [.. listed, folder.Replace('/', '.'), "System", "Microsoft", "Tmds"];
        (string File, string Name)[] used = [.. FilesOf(folder).SelectMany(file => Using().Matches(File.ReadAllText(file))
            .Select(match => (Path.GetRelativePath(Repository.Root, file), match.Groups[1].Value)))];
        Assert.DoesNotContain(used, one => !known.Any(name => IsIn(name, one.Name)));
        Assert.DoesNotContain(listed, name => !used.Any(one => IsIn(name, one.Name)));
    }

    /// <summary>A new folder must be added to the table.</summary>
    [Fact]
    public void Every_source_file_belongs_to_a_layer() =>
        Assert.Equal(FilesOf("").Order(), _layers.Keys.SelectMany(FilesOf).Order());

    private static bool IsIn(string parent, string name) => name == parent || name.StartsWith(parent + ".", StringComparison.Ordinal);

    private static string Table() =>
        File.ReadAllText(Repository.PathOf("docs", "architecture.md")).Split("\n## ").Single(
            section => section.StartsWith("Projects and layers", StringComparison.Ordinal));

    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.EnumerateFiles(Repository.PathOf("src", folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !BuildOutput().IsMatch(file));

    /// <summary>A row: the folder, what it is, what it uses.</summary>
    [GeneratedRegex(@"^\| `([A-Za-z/.]+)` \|.*\|([^|]*)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([A-Za-z.]+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"^(?:global )?using (?:static |[A-Za-z]+ = )?([A-Za-z.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex("/(bin|obj)/")]
    private static partial Regex BuildOutput();
}
