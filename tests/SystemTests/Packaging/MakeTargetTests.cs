using System.Text.RegularExpressions;
using Shared;

namespace SystemTests.Packaging;

/// <summary>What make targets need: scripts/install-dependencies.sh. That it is all they need, <c>make test-bare</c> shows.</summary>
public partial class MakeTargetTests
{
    /// <summary>These begin with it themselves.</summary>
    private static readonly string[] _scripts = ["scripts/test.sh", "scripts/release.sh"];

    public static TheoryData<string> Targets() => [.. Command.Must("make", ["--directory", Repository.Root, "help"]).Split('\n')
        .Where(
            line => line.Contains("  ", StringComparison.Ordinal)).Select(line => line.Split(' ')[0])
                .Where(name => name is not ("help" or "clean"))];

    [Theory]
    [MemberData(nameof(Targets))]
    public void A_target_begins_with_what_it_needs(string target)
    {
        string line = Command.Must(
            "make", ["--no-print-directory", "--directory", Repository.Root, "--dry-run", "--always-make", target]).Split('\n')[0];
        Match call = Call().Match(line);
        Assert.True(
            call.Success || _scripts.Any(
                script => line.Contains(script, StringComparison.Ordinal)
                    && File.ReadAllText(Repository.PathOf(script)).Contains("scripts/install-dependencies.sh ", StringComparison.Ordinal)),
            line);
        AssertIsKnown(call.Success ? call.Groups[1].Value : target);
    }

    [Theory]
    [InlineData("demo-http-proxy")]
    [InlineData("demo-dns-proxy")]
    [InlineData("ci")]
    public void Its_needs_are_known(string target) => AssertIsKnown(target);

    [Fact]
    public void Another_target_is_refused()
    {
        CommandResult result = Ask("x");
        Assert.True(result is { ExitCode: 2, Stdout: "", Stderr: "install-dependencies: there is no target x\n" }, result.ToString());
    }

    private static void AssertIsKnown(string target)
    {
        CommandResult result = Ask(target);
        // 1: it names what is missing on this machine.
        Assert.True(
            result is { ExitCode: 0, Stdout: "", Stderr: "" }
                || (result.ExitCode == 1 && result.Stderr.StartsWith("missing: ", StringComparison.Ordinal)),
            result.ToString());
    }

    /// <summary>As somebody who is not root, and can install nothing.</summary>
    private static CommandResult Ask(string target) =>
        Command.Run(
            "sh", ["-s", target], "id() { echo 1000; }\n" + File.ReadAllText(Repository.PathOf("scripts", "install-dependencies.sh")));

    [GeneratedRegex("scripts/install-dependencies.sh ([a-z-]+)")]
    private static partial Regex Call();
}
