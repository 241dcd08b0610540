using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Shared;

namespace SystemTests.Packaging;

/// <summary>The libraries as packages: the example of each README is compiled against the package, and run.</summary>
public sealed class PackTests : IDisposable
{
    private const string Version = "0.0.1-test";

    /// <summary>The one that runs the tests, wherever it is installed.</summary>
    private static readonly string _dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    private readonly string _folder = Directory.CreateTempSubdirectory("er-pack-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [RootFact]
    public void The_example_of_each_package_runs()
    {
        string packages = Path.Combine(_folder, "packages");
        Must(TimeSpan.FromMinutes(10), Repository.PathOf("scripts", "pack.sh"), Version, packages);
        // What they depend on: the package that they were built with.
        string cache = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (string dependency in Directory.GetFiles(Path.Combine(cache, "tmds.libc"), "*.nupkg", SearchOption.AllDirectories))
        {
            File.Copy(dependency, Path.Combine(packages, Path.GetFileName(dependency)));
        }

        string netlink = Build("Netlink", packages);
        Assert.Contains(": lo, MTU 65536", Must(TimeSpan.FromMinutes(1), _dotnet, netlink), StringComparison.Ordinal);
        string cni = Build("Cni", packages);
        CommandResult version = Command.Run(_dotnet, [cni], "", Environment("VERSION"));
        Assert.True(
            version.ExitCode == 0 && version.Stdout.Contains("\"plugin\":\"example 1.0\"", StringComparison.Ordinal), version.ToString());
        CommandResult add = Command.Run(_dotnet, [cni], """{"cniVersion":"1.0.0","name":"n","type":"example"}""", Environment("ADD"));
        Assert.True(add.ExitCode == 0 && add.Stdout.Contains("\"name\":\"eth0\"", StringComparison.Ordinal), add.ToString());
    }

    /// <summary>Builds the example, with packages in a folder of the test, and returns the path of the program.</summary>
    private string Build(string name, string packages)
    {
        string project = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        string example = Regex.Match(
            File.ReadAllText(Repository.PathOf("src", name, "README.md")), "```csharp\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        File.WriteAllText(Path.Combine(project, "Program.cs"), example);
        File.WriteAllText(Path.Combine(project, "Example.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <UseAppHost>false</UseAppHost>
                <RestoreSources>{packages}</RestoreSources>
                <RestorePackagesPath>{Path.Combine(_folder, "cache")}</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="EgressRouter.{name}" Version="{Version}" />
              </ItemGroup>
            </Project>
            """);
        Must(
            TimeSpan.FromMinutes(5), _dotnet, "build", project, "-c", "Release", "-o", Path.Combine(project, "out"), "--nologo", "-v",
            "quiet");
        return Path.Combine(project, "out", "Example.dll");
    }

    private static string Must(TimeSpan limit, string program, params string[] arguments)
    {
        CommandResult result = Command.Run(program, arguments, limit: limit);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Stdout;
    }

    private static Dictionary<string, string> Environment(string verb) => new()
    {
        ["PATH"] = System.Environment.GetEnvironmentVariable("PATH")!,
        ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1",
        ["CNI_COMMAND"] = verb,
        ["CNI_CONTAINERID"] = "c",
        ["CNI_NETNS"] = "/run/netns/x",
        ["CNI_IFNAME"] = "eth0",
        ["CNI_PATH"] = "/opt/cni/bin",
    };
}
