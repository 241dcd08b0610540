using System.Diagnostics;
using System.Globalization;
using Shared;

namespace SystemTests;

/// <summary>Runtimes that close descriptors, keep standard input open, or do not read the answer.</summary>
public class StandardStreamTests
{
    public static TheoryData<string, string> Closed => new()
    {
        { "ADD", "<&-" }, { "ADD", ">&-" }, { "ADD", "2>&-" }, { "ADD", "<&- >&- 2>&-" },
        { "DEL", "<&-" }, { "DEL", ">&-" }, { "DEL", "2>&-" }, { "DEL", "<&- >&- 2>&-" },
    };

    /// <summary>
    /// Without standard input nothing is done; without standard output ADD is undone, and DEL has nothing to print; neither the
    /// log file nor a socket gets the number of a closed descriptor.
    /// </summary>
    [RootTheory]
    [MemberData(nameof(Closed))]
    public void A_closed_descriptor_is_no_other_file_and_keeps_nothing_waiting(string verb, string closed)
    {
        using var lab = new Lab();
        string log = Path.Combine(Path.GetTempPath(), $"{lab.Pod}.log");
        string json = Config.Changed(config => config["log_file"] = log);
        try
        {
            Snapshot bare = lab.PodSnapshot();
            if (verb == "DEL")
            {
                lab.Add(json);
                File.Delete(log);
            }

            Snapshot before = lab.PodSnapshot();
            var watch = Stopwatch.StartNew();
            CommandResult result = lab.RunBy(["sh", "-c", $"exec \"$0\" {closed}"], verb, json);
            Assert.InRange(watch.ElapsedMilliseconds, 0, 5000);
            bool hasInput = !closed.Contains("<&-", StringComparison.Ordinal);
            bool hasOutput = !closed.Contains(" >&-", StringComparison.Ordinal) && closed != ">&-";
            bool succeeds = hasInput && (hasOutput || verb == "DEL");
            Assert.True(succeeds == (result.ExitCode == 0), result.ToString());
            if (!hasInput && hasOutput)
            {
                result.AssertErrorNaming([5], "cannot read the network configuration from stdin: it is closed");
            }

            if (hasInput && !hasOutput && verb == "ADD")
            {
                Assert.Contains("cannot print the answer: it is closed", result.Stderr, StringComparison.Ordinal);
            }

            Assert.Equal(hasInput, File.Exists(log));
            Assert.All(hasInput ? File.ReadAllLines(log) : [], line => Assert.Matches("^[0-9TZ:.-]{24} \\[", line));
            if (succeeds != (verb == "ADD"))
            {
                lab.PodSnapshot().AssertSameAs(succeeds ? bare : before);
            }
        }
        finally
        {
            File.Delete(log);
        }
    }

    /// <summary>Nothing is done yet: whoever wants the plugin to end need not wait for what the runtime has to say.</summary>
    [RootTheory]
    [InlineData("ADD", "")]
    [InlineData("ADD", "{\"cniVersion\":")]
    [InlineData("DEL", "")]
    [InlineData("VERSION", "")]
    public void SIGTERM_ends_a_plugin_whose_standard_input_stays_open(string verb, string begin)
    {
        using Process plugin = Start(verb);
        plugin.StandardInput.Write(begin);
        plugin.StandardInput.Flush();
        // It waits: in read(2), or in poll(2) before it.
        Eventually.IsTrue(() => File.ReadAllText($"/proc/{plugin.Id}/syscall").Split(' ')[0] is "0" or "7", "it does not wait");
        Command.Must("kill", ["-TERM", plugin.Id.ToString(CultureInfo.InvariantCulture)]);
        Assert.True(plugin.WaitForExit(TimeSpan.FromSeconds(5)), "it goes on");
        Assert.Equal((128 + 15, ""), (plugin.ExitCode, plugin.StandardOutput.ReadToEnd()));
    }

    /// <summary>The bound itself, which is 60 s, is that of StandardStream, whose unit tests have a shorter one.</summary>
    [RootFact]
    public void The_wait_for_standard_input_has_a_bound()
    {
        string trace = Command.Run("sh", ["-c", $"sleep 1 | CNI_COMMAND=VERSION strace -e trace=poll {Lab.Plugin}"]).Stderr;
        Assert.Matches(@"poll\(\[\{fd=0, events=POLLIN\}\], 1, (59|60)\d{3}\)", trace);
    }

    [RootFact]
    public void An_ADD_whose_result_has_no_reader_is_undone()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        // The reader of the pipe ends before the plugin begins.
        CommandResult result = lab.RunBy(["bash", "-c", "set -o pipefail; { sleep 0.5; exec \"$0\"; } | true"], "ADD", Config.Redirect);
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("cannot print the answer: Broken pipe", result.Stderr, StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootTheory]
    [InlineData("validate -", "<&-", "egress-routerctl: standard input: it is closed\n")]
    [InlineData("explain -", "<&-", "egress-routerctl: standard input: it is closed\n")]
    [InlineData("convert -", "<&-", "egress-routerctl: standard input: it is closed\n")]
    [InlineData("status --help", ">&-", "egress-routerctl: standard output: it is closed\n")]
    [InlineData("status --help", "<&- >&- 2>&-", "")]
    public void A_tool_with_a_closed_descriptor_says_so(string verb, string closed, string words)
    {
        CommandResult result = Command.Run("sh", ["-c", $"exec {Lab.Ctl} {verb} {closed}"]);
        Assert.Equal(new CommandResult(2, "", words), result);
    }

    private static Process Start(string verb)
    {
        var start = new ProcessStartInfo(Lab.Plugin)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        start.Environment.Clear();
        foreach ((string name, string value) in ((string, string)[])
            [
                ("CNI_COMMAND", verb), ("CNI_CONTAINERID", "c"), ("CNI_NETNS", "/run/netns/er-absent"), ("CNI_IFNAME", "net1"),
                ("CNI_PATH", "/nowhere"),
            ])
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
