namespace SystemTests.Reliability;

/// <summary>The plugin ends just before one of its system calls: what is left is known by name, and DEL removes it.</summary>
public class KillTests
{
    private const string Kill = "signal:9";
    private const string Terminate = "signal:15";

    [RootFact]
    public void ADD_that_is_killed_leaves_nothing_that_DEL_does_not_remove() =>
        AtEachCall("ADD is killed, then DEL, then ADD", "ADD", sample: 60, (lab, number) => KillAndRepeat(lab, "ADD", number));

    [RootFact]
    public void DEL_that_is_killed_leaves_nothing_that_the_next_one_does_not_remove() =>
        AtEachCall("DEL is killed, then DEL, then ADD", "DEL", sample: 30, (lab, number) =>
    {
        lab.Lab.Add(lab.Json);
        KillAndRepeat(lab, "DEL", number);
    });

    [RootFact]
    public void ADD_that_is_told_to_end_is_undone_or_done() =>
        AtEachCall("ADD is told to end (SIGTERM)", "ADD", sample: 60, (lab, number) =>
    {
        CommandResult ended = AtCall.Run(lab.Lab, "ADD", lab.Json, number, Terminate).Answer;
        if (ended.ExitCode == 0)
        {
            lab.AssertAttached();
            lab.AssertDeletes();
        }
        else
        {
            ended.AssertErrorNaming([11], "ended by a signal");
            lab.AssertClean();
        }
    });

    /// <summary>Otherwise the test above could be of an ADD that ignores the signal.</summary>
    [RootFact]
    public void ADD_that_is_told_to_end_at_its_beginning_is_undone()
    {
        using var lab = new ReliabilityLab();
        AtCall.Run(lab.Lab, "ADD", lab.Json, number: 2, Terminate).Answer.AssertErrorNaming([11], "ended by a signal");
        lab.AssertClean();
    }

    [RootFact]
    public void ADD_that_waits_is_ended_at_once()
    {
        using var lab = new ReliabilityLab();
        string config = Config.Changed(lab.Json, json => json["conflictDetectionTimeout"] = 10_000);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        AtCall.RunAt(lab.Lab, "ADD", config, 1, "poll", Terminate).Answer.AssertErrorNaming([11], "ended by a signal");
        Assert.InRange(watch.ElapsedMilliseconds, 0, 3000);
        lab.AssertClean();
    }

    [RootFact]
    public void DEL_that_is_told_to_end_is_done_all_the_same() =>
        AtEachCall("DEL is told to end (SIGTERM)", "DEL", sample: 20, (lab, number) =>
    {
        lab.Lab.Add(lab.Json);
        AtCall.Run(lab.Lab, "DEL", lab.Json, number, Terminate).Answer.AssertSuccess();
        lab.AssertClean();
    });

    private static void AtEachCall(string what, string verb, int sample, Action<ReliabilityLab, int> test)
    {
        var lab = new ReliabilityLab();
        try
        {
            if (verb == "DEL")
            {
                lab.Lab.Add(lab.Json);
            }

            int count = AtCall.CallsOf(lab.Lab, verb, lab.Json).Length;
            lab.AssertDeletes();
            var findings = new Findings(what);
            foreach (int number in Sampling.Sample([.. Enumerable.Range(1, count)], sample))
            {
                if (!findings.Try(() => $"before call {number}", () => test(lab, number)))
                {
                    lab.Dispose();
                    lab = new ReliabilityLab();
                }
            }

            findings.AssertNone(atLeast: sample / 2);
        }
        finally
        {
            lab.Dispose();
        }
    }

    private static void KillAndRepeat(ReliabilityLab lab, string verb, int number)
    {
        CommandResult killed = AtCall.Run(lab.Lab, verb, lab.Json, number, Kill).Answer;
        Assert.True(killed.ExitCode is 128 + 9 or 0, killed.ToString());
        lab.AssertDeletes();
        lab.Lab.Add(lab.Json);
        lab.AssertAttached();
        lab.AssertDeletes();
    }
}
