using System.Text.RegularExpressions;
using Shared;

namespace EgressRouter.Tests;

/// <summary>The layers of docs/architecture.md, checked by the sources' using directives.</summary>
public partial class ArchitectureTests
{
    /// <summary>Each folder of src, and the namespaces that it may use besides its own and .NET's.</summary>
    private static readonly Dictionary<string, string[]> _layers = new()
    {
        ["Netlink"] = [],
        ["Cni"] = [],
        ["EgressRouter/Config"] = ["Cni", "Netlink"],
        ["EgressRouter/State"] = ["EgressRouter.Config", "Cni", "Netlink"],
        ["EgressRouter/Kernel"] = ["EgressRouter.State", "EgressRouter.Config", "Netlink", "Serilog"],
        ["EgressRouter/Commands"] = ["EgressRouter.Kernel", "EgressRouter.State", "EgressRouter.Config", "Cni", "Netlink", "Serilog"],
        ["EgressRouter/Logging"] = ["EgressRouter.Config", "Cni", "Serilog"],
        ["EgressRouter.Tools"] = ["EgressRouter.Commands", "EgressRouter.Kernel", "EgressRouter.State", "EgressRouter.Config", "Cni",
            "Netlink", "Serilog", "YamlDotNet"],
        ["EgressRouter.Legacy"] = ["EgressRouter.Tools", "EgressRouter.Config", "Cni", "Netlink", "YamlDotNet"],
        ["EgressRouterCni"] = ["EgressRouter.Commands", "EgressRouter.Config", "EgressRouter.Logging", "Cni", "Serilog"],
        ["EgressRouterCtl"] = ["EgressRouter.Legacy", "EgressRouter.Tools", "EgressRouter.State", "EgressRouter.Config",
            "EgressRouter.Logging", "Cni", "Netlink", "Serilog", "CommandLine"],
    };

    public static TheoryData<string> Folders() => [.. _layers.Keys];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_knows_only_those_below_it(string folder)
    {
        string[] below = _layers[folder];
        string[] own = [folder.Replace('/', '.')];
        IEnumerable<string> foreign = FilesOf(folder).SelectMany(file => Using().Matches(File.ReadAllText(file))
            .Select(match => match.Groups[1].Value)
            .Where(
                name => !own.Concat(below).Concat(["System", "Microsoft", "Tmds"]).Any(
                    known => name == known || name.StartsWith(known + ".", StringComparison.Ordinal)))
            .Select(name => $"{Path.GetRelativePath(Repository.Root, file)}: {name}"));
        Assert.Empty(foreign);
    }

    /// <summary>A new folder must be added to this table and to docs/architecture.md.</summary>
    [Fact]
    public void Every_source_file_belongs_to_a_layer()
    {
        string[] layered = [.. _layers.Keys.SelectMany(FilesOf), .. FilesOf("Shared")];
        Assert.Equal(FilesOf("").Order(), layered.Order());
    }

    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.EnumerateFiles(Repository.PathOf("src", folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !BuildOutput().IsMatch(file));

    [GeneratedRegex(@"^(?:global )?using (?:static |[A-Za-z]+ = )?([A-Za-z.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex("/(bin|obj)/")]
    private static partial Regex BuildOutput();
}
