using System.Runtime.InteropServices;
using Shared;
using SystemTests;

namespace Benchmarks;

/// <summary>The native executables that are measured.</summary>
internal static class Executables
{
    private static readonly Lazy<string> _smallest = new(PublishSmallest);

    /// <summary>The plugin, and the one that the variable BASE names, to compare with.</summary>
    public static (string Name, string Path)[] Plugins { get; } =
        Environment.GetEnvironmentVariable("BASE") is { Length: > 0 } other
            ? [("egress-router", Lab.Plugin), ("BASE", Path.GetFullPath(other))]
            : [("egress-router", Lab.Plugin)];

    /// <summary>A program that does nothing, made as the plugin is.</summary>
    public static string Smallest => _smallest.Value;

    private static string PublishSmallest()
    {
        string folder = Repository.PathOf("out", "publish", "Smallest");
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        // No server of the build may stay: it would keep this program's pipes open.
        CommandResult result = Command.Run(
            dotnet,
            ["publish", Repository.PathOf("tests", "Benchmarks", "Smallest"), "-c", "Release", "-o", folder, "--nologo", "-v", "quiet",
                "-nodeReuse:false", "-p:UseSharedCompilation=false"],
            limit: TimeSpan.FromMinutes(3));
        Assert.True(result.ExitCode == 0, result.ToString());
        return Path.Combine(folder, "smallest");
    }
}
