using System.Diagnostics;
using System.Text.Json.Nodes;
using Shared;

namespace SystemTests;

/// <summary>A runtime that does not close what the plugin reads, does not read what it writes, or gives it no descriptors at all.</summary>
public class StandardStreamTests
{
    /// <summary>It waited for the end of its input, and took no notice.</summary>
    [RootTheory]
    [InlineData("")]
    [InlineData("{\"cniVersion\":\"1.0.0\"")]
    public void SIGTERM_ends_it_before_it_has_the_request(string begun)
    {
        using Process plugin = Start("ADD");
        plugin.StandardInput.Write(begun);
        plugin.StandardInput.Flush();
        // It is in its wait for more when it sleeps.
        Assert.True(SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{plugin.Id}/wchan").Contains("poll", StringComparison.Ordinal), TimeSpan.FromSeconds(10)));
        Command.Must("kill", ["-TERM", $"{plugin.Id}"]);
        Assert.True(plugin.WaitForExit(TimeSpan.FromSeconds(10)), "SIGTERM has not ended it");
        Assert.Equal(128 + 15, plugin.ExitCode);
        Assert.Equal("", plugin.StandardOutput.ReadToEnd());
    }

    /// <summary>Each of the three closed, and all: the answer, or an exit code, and nothing is written where it does not belong.</summary>
    [RootTheory]
    [InlineData("<&-", 1, true)]
    [InlineData(">&-", 1, false)]
    [InlineData("2>&-", 0, true)]
    [InlineData("<&- >&- 2>&-", 1, false)]
    public void Missing_descriptors_are_no_place_for_anything_else(string closed, int exitCode, bool answers)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        string log = $"/tmp/egress-router-{lab.Pod}.log";
        string config = Config.Changed(json => json["log_file"] = log);
        try
        {
            CommandResult add = lab.RunBy(["sh", "-c", $"exec \"$@\" {closed}", "sh"], "ADD", config);
            Assert.True(add.ExitCode == exitCode, add.ToString());
            Assert.True(answers == add.Stdout.Length > 0, add.ToString());
            if (answers)
            {
                Assert.Equal(exitCode != 0, JsonNode.Parse(add.Stdout)!.AsObject().ContainsKey("code"));
            }

            if (File.Exists(log))
            {
                Assert.All(File.ReadAllLines(log), line => Assert.Matches("^[0-9TZ.:-]+ \\[", line));
            }

            lab.Run("DEL", config).AssertSuccess();
            lab.PodSnapshot().AssertSameAs(pod);
        }
        finally
        {
            File.Delete(log);
        }
    }

    /// <summary>A result that cannot be delivered is a failed ADD, which leaves nothing.</summary>
    [RootFact]
    public void A_result_that_nobody_takes_any_more_is_undone()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        CommandResult add = lab.RunBy(["sh", "-c", "exec 3>&1; { \"$@\"; echo \"exit $?\" >&3; } | exec true", "sh"], "ADD", Config.Redirect);
        Assert.True(add.Stdout is "exit 1\n", add.ToString());
        lab.PodSnapshot().AssertSameAs(pod);
    }

    private static Process Start(string command)
    {
        var start = new ProcessStartInfo(Repository.PathOf("out", "egress-router")) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in (ReadOnlySpan<(string, string)>)[("CNI_COMMAND", command), ("CNI_CONTAINERID", "c"), ("CNI_NETNS", "/run/netns/none"), ("CNI_IFNAME", "net1"), ("CNI_PATH", "/none")])
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
