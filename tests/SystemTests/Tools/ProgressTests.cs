using System.Text.RegularExpressions;
using Shared;

namespace SystemTests.Tools;

/// <summary>Long work tells how far it is, on a terminal only.</summary>
public sealed partial class ProgressTests : IDisposable
{
    private const string Clear = "\r\e[K";

    private const string ShellLines = ". scripts/progress.sh; progress first; progress second";

    /// <summary>For a machine that others use too.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("er-progress-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Convert_counts_objects()
    {
        // Seconds of work.
        string command = $"{Lab.Ctl} convert {WriteRouters(4000)} > {_folder}/out";
        string shown = OnTerminal(command);
        Assert.Matches(Count(), shown);
        Assert.EndsWith(Clear, shown, StringComparison.Ordinal);
        // At most ten times a second, from half a second on.
        Assert.InRange(shown.Split(Clear).Length, 2, 600);
        Assert.Equal(4000, File.ReadLines($"{_folder}/out").Count(line => line == "kind: Deployment"));

        Assert.Equal("", OnTerminal(command, "dumb"));
        CommandResult inPipe = Command.Run("sh", ["-c", command], limit: _limit);
        Assert.True(inPipe is { ExitCode: 0, Stdout: "", Stderr: "" }, inPipe.ToString());
    }

    [Fact]
    public void Short_work_tells_nothing() =>
        Assert.DoesNotContain(Clear, OnTerminal($"{Lab.Ctl} convert {WriteRouters(1)} > {_folder}/out"), StringComparison.Ordinal);

    [RootFact]
    public void Repair_counts_steps()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        Lab.In(lab.Pod, "ip", "link", "delete", "net1");
        File.WriteAllText($"{_folder}/nad.json", Config.Redirect);
        // A kernel that takes its time for each request.
        string shown = OnTerminal(
            $"nsenter --net={Lab.PathOf(lab.Node)} strace -f -o /dev/null -e trace=sendmsg,sendto "
            + "-e inject=sendmsg,sendto:delay_enter=150000 "
            + $"{Lab.Ctl} repair --netns {Lab.PathOf(lab.Pod)} {_folder}/nad.json > {_folder}/out");
        Assert.StartsWith("repaired\n", File.ReadAllText($"{_folder}/out"), StringComparison.Ordinal);
        Assert.Matches("\r\e\\[Krepair: step [0-9]+ of [0-9]+\r", shown);
        Assert.EndsWith(Clear, shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sh")]
    [InlineData("bash")]
    public void Scripts_do_the_same(string shell)
    {
        string command = $"cd {Repository.Root} && {shell} -euc '{ShellLines}'";
        Assert.Equal("\r\e[Kfirst\r\r\e[Ksecond\r\r\e[K\r", OnTerminal(command));
        Assert.Equal("", OnTerminal(command, "dumb"));
        CommandResult inPipe = Command.Run("sh", ["-c", command], limit: _limit);
        Assert.True(inPipe is { ExitCode: 0, Stdout: "", Stderr: "" }, inPipe.ToString());
    }

    [Fact]
    public void Ctrl_C_removes_the_line_of_convert() =>
        AssertCleanAfterCtrlC($"exec {Lab.Ctl} convert {WriteRouters(20_000)} > {_folder}/out", "convert: ");

    [Theory]
    [InlineData("sh")]
    [InlineData("bash")]
    public void Ctrl_C_removes_the_line_of_a_script(string shell) =>
        AssertCleanAfterCtrlC($"cd {Repository.Root} && exec {shell} -euc '. scripts/progress.sh; progress waiting; sleep 100'", "waiting");

    private string WriteRouters(int count)
    {
        string file = $"{_folder}/routers.yaml";
        File.WriteAllText(file, string.Join("---\n", Enumerable.Range(256, count).Select(number => $$"""
            apiVersion: network.operator.openshift.io/v1
            kind: EgressRouter
            metadata: { name: "router-{{number}}", namespace: "space-{{number}}" }
            spec:
              mode: Redirect
              networkInterface: { macvlan: { mode: Bridge } }
              addresses: [{ ip: "10.0.{{number / 256}}.{{number % 256}}/8", gateway: "10.255.255.1" }]
              redirect: { redirectRules: [{ destinationIP: "10.200.0.1", port: 80, protocol: TCP }] }

            """)));
        return file;
    }

    /// <summary>Types Ctrl-C once the line is there.</summary>
    private void AssertCleanAfterCtrlC(string command, string line)
    {
        const string waiting = "for _ in $(seq 600); do ! grep -q -F \"[K$3\" \"$2\" || break; sleep 0.1; done";
        const string typing = $"{{ {waiting}; printf '\\003'; }} | script -qefc \"$1\" \"$2\"";
        string log = $"{_folder}/log";
        File.WriteAllText(log, "");
        CommandResult result = Command.Run("sh", ["-c", typing, "sh", command, log, line], "", Variables("xterm"), _limit);
        Assert.Equal(130, result.ExitCode);
        Assert.Contains(Clear + line, result.Stdout, StringComparison.Ordinal);
        Assert.EndsWith(Clear, result.Stdout.TrimEnd('\r'), StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Variables(string terminal) =>
        new() { ["TERM"] = terminal, ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" };

    /// <summary>What a terminal gets from a command.</summary>
    private static string OnTerminal(string command, string terminal = "xterm")
    {
        CommandResult result = Command.Run(
            "script", ["-qec", command, "/dev/null"], "", Variables(terminal), _limit);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Stdout;
    }

    [GeneratedRegex("\r\e\\[Kconvert: [0-9]+ of 4000 (objects read|routers written)\r")]
    private static partial Regex Count();
}
