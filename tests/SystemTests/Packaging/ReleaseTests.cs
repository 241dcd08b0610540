using System.Text.RegularExpressions;
using Shared;
using YamlDotNet.RepresentationModel;

namespace SystemTests.Packaging;

/// <summary>What a release refuses, and the versions that packaging speaks of.</summary>
public partial class ReleaseTests
{
    [Theory]
    [InlineData("x", "\"x\" is no version")]
    [InlineData("", "\"\" is no version")]
    [InlineData("9.9.9", "CHANGELOG.md has no section \"## [9.9.9]\"")]
    public void A_release_is_refused(string version, string reason)
    {
        CommandResult result = Command.Run(Repository.PathOf("scripts", "release.sh"), [version]);
        Assert.True(result.ExitCode == 1 && result.Stdout.Length == 0, result.ToString());
        Assert.StartsWith("release: " + reason, result.Stderr, StringComparison.Ordinal);
    }

    /// <summary>Names of our images and packages in manifests and documents follow the version.</summary>
    [Fact]
    public void Versions_are_that_of_this_source()
    {
        string version = Regex.Match(
            File.ReadAllText(Repository.PathOf("Directory.Build.props")), "<Version>(.*)</Version>").Groups[1].Value;
        string[] files =
        [
            Repository.PathOf("README.md"),
            .. Directory.GetFiles(Repository.PathOf("packaging"), "*.yaml", SearchOption.AllDirectories),
        ];
        string[] found = [.. files.SelectMany(file => Named().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value)];
        Assert.True(found.Length >= 6, string.Join(' ', found));
        Assert.All(found, name => Assert.Equal(version, name));
    }

    [Fact]
    public void The_DaemonSet_runs_what_the_image_runs()
    {
        const string command = """["install", "--to", "/host/opt/cni/bin", "--stay"]""";
        string daemonSet = File.ReadAllText(Repository.PathOf("packaging", "daemonset", "daemonset.yaml"));
        Assert.Contains("args: " + command, daemonSet, StringComparison.Ordinal);
        Assert.Contains("mountPath: /host/opt/cni/bin\n", daemonSet, StringComparison.Ordinal);
        Assert.Contains(
            "\"Cmd\":" + command.Replace(" ", "", StringComparison.Ordinal), File.ReadAllText(Repository.PathOf("scripts", "image.sh")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_Deployment_of_the_operator_runs_what_its_image_runs()
    {
        YamlNode pod = Assert.Single(Manifest.Read("packaging/operator/deployment.yaml", "Deployment"))["spec"]["template"]["spec"];
        YamlNode container = Assert.Single(Manifest.Containers(pod));
        string arguments = string.Join(',', Manifest.List(container, "args").Select(argument => $"\"{argument}\""));
        string user = Manifest.Text(container["securityContext"]["runAsUser"]);
        string script = File.ReadAllText(Repository.PathOf("scripts", "image.sh"));
        Assert.Contains($"make_image {Manifest.Text(container["image"])} '\"User\":\"{user}:{user}\",", script, StringComparison.Ordinal);
        Assert.Contains($"\"Entrypoint\":[\"/egress-operator\"],\"Cmd\":[{arguments}]'", script, StringComparison.Ordinal);
        Assert.Null(Manifest.Child(container, "command"));
    }

    [GeneratedRegex(@"egress-(?:router-cni|operator)[-_:](\d+\.\d+\.\d+)|newTag: (?<1>\S+)")]
    private static partial Regex Named();
}
