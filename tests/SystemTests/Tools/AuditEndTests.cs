using System.Text.Json.Nodes;

namespace SystemTests.Tools;

/// <summary>How <c>egress-routerctl audit</c> ends, and what ends it.</summary>
public sealed class AuditEndTests : IDisposable
{
    private readonly Lab _lab = new();

    private readonly string _folder = Directory.CreateTempSubdirectory("er-audit-").FullName;

    private BackgroundProcess? _audit;

    public void Dispose()
    {
        _audit?.Dispose();
        _lab.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [RootFact]
    public void The_standard_output_has_lines_until_the_end()
    {
        _lab.Add(Config.Redirect);
        string log = Path.Combine(_folder, "audit.json");
        _audit = new BackgroundProcess(_lab.Pod, "/bin/sh", "-c", $"exec '{Lab.Ctl}' audit >'{log}'");
        _audit.WaitUntil(() => File.Exists(log) && File.ReadAllText(log).EndsWith('\n'));
        _audit.End();
        Assert.Equal(["on", "off"], File.ReadAllLines(log).Select(line => (string)JsonNode.Parse(line)!["event"]!));
    }

    /// <summary>A runtime that no longer reads: lines must not vanish as if they were written.</summary>
    [RootFact]
    public void A_pipe_that_nobody_reads_ends_it()
    {
        _lab.Add(Config.Redirect);
        CommandResult result = Command.Run(
            "nsenter",
            ["--net=" + Lab.PathOf(_lab.Pod), "bash", "-c", $"exec 4> >(exit 0); wait $!; exec '{Lab.Ctl}' audit >&4 4>&-"]);
        Assert.Equal(2, result.ExitCode);
        Assert.EndsWith("egress-routerctl: standard output: Broken pipe\n", result.Stderr, StringComparison.Ordinal);
    }

    /// <summary>It goes on, as the disk may have room again.</summary>
    [RootFact]
    public void A_file_that_cannot_be_written_is_told_of_and_ends_nothing()
    {
        _lab.Add(Config.Redirect);
        string errors = Path.Combine(_folder, "stderr");
        _audit = new BackgroundProcess(_lab.Pod, "/bin/sh", "-c", $"exec '{Lab.Ctl}' audit --file /dev/full 2>'{errors}'");
        _audit.WaitUntil(() => File.Exists(errors)
            && File.ReadAllText(errors).Contains("egress-routerctl: lines are missing: ", StringComparison.Ordinal));
        _audit.End();
    }

    [RootTheory]
    [InlineData("pod", "audit >/dev/full", "standard output: No space left on device")]
    [InlineData("client", "audit", "this network namespace has no egress router")]
    [InlineData("pod", "audit --file /no/such/folder/x", "Could not find a part of the path '/no/such/folder/x'")]
    [InlineData("pod", "audit --rate 0", "--rate 0: it must be from 1 to 1000000")]
    [InlineData("pod", "audit --lines off", "--lines: the value must be end|both")]
    public void What_is_wrong_ends_it_with_a_reason(string place, string arguments, string reason)
    {
        _lab.Add(Config.Redirect);
        CommandResult result = Command.Run(
            "nsenter", ["--net=" + Lab.PathOf(place == "pod" ? _lab.Pod : _lab.Client), "sh", "-c", $"'{Lab.Ctl}' {arguments}"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"egress-routerctl: {reason}", result.Stderr, StringComparison.Ordinal);
    }
}
