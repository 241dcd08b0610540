namespace SystemTests.Reliability;

/// <summary>The plugin ends just before one of its system calls: what is left is known by name, and DEL removes it.</summary>
public class KillTests
{
    private const string Kill = "signal:9";
    private const string Terminate = "signal:15";

    [RootFact]
    public void ADD_that_is_killed_leaves_nothing_that_DEL_does_not_remove() =>
        AtEachCall("ADD is killed, then DEL, then ADD", "ADD", sample: 60, (site, number) =>
    {
        CommandResult killed = AtCall.Run(site.Lab, "ADD", site.Json, number, Kill).Answer;
        Assert.True(killed.ExitCode is 128 + 9 or 0, killed.ToString());
        site.AssertDeletes();
        site.Lab.Add(site.Json);
        site.AssertAttached();
        site.AssertDeletes();
    });

    [RootFact]
    public void DEL_that_is_killed_leaves_nothing_that_the_next_one_does_not_remove() =>
        AtEachCall("DEL is killed, then DEL, then ADD", "DEL", sample: 30, (site, number) =>
    {
        site.Lab.Add(site.Json);
        CommandResult killed = AtCall.Run(site.Lab, "DEL", site.Json, number, Kill).Answer;
        Assert.True(killed.ExitCode is 128 + 9 or 0, killed.ToString());
        site.AssertDeletes();
        site.Lab.Add(site.Json);
        site.AssertAttached();
        site.AssertDeletes();
    });

    [RootFact]
    public void ADD_that_is_told_to_end_is_undone_or_done() =>
        AtEachCall("ADD is told to end (SIGTERM)", "ADD", sample: 60, (site, number) =>
    {
        CommandResult ended = AtCall.Run(site.Lab, "ADD", site.Json, number, Terminate).Answer;
        if (ended.ExitCode == 0)
        {
            site.AssertAttached();
            site.AssertDeletes();
        }
        else
        {
            ended.AssertErrorNaming([11], "ended by a signal");
            site.AssertClean();
        }
    });

    /// <summary>Otherwise the test above could be of an ADD that ignores the signal.</summary>
    [RootFact]
    public void ADD_that_is_told_to_end_at_its_beginning_is_undone()
    {
        using var site = new Site();
        AtCall.Run(site.Lab, "ADD", site.Json, number: 2, Terminate).Answer.AssertErrorNaming([11], "ended by a signal");
        site.AssertClean();
    }

    [RootFact]
    public void ADD_that_waits_is_ended_at_once()
    {
        using var site = new Site();
        string config = Config.Changed(site.Json, json => json["conflictDetectionTimeout"] = 10_000);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        AtCall.RunAt(site.Lab, "ADD", config, 1, "poll", Terminate).Answer.AssertErrorNaming([11], "ended by a signal");
        Assert.InRange(watch.ElapsedMilliseconds, 0, 3000);
        site.AssertClean();
    }

    [RootFact]
    public void DEL_that_is_told_to_end_is_done_all_the_same() =>
        AtEachCall("DEL is told to end (SIGTERM)", "DEL", sample: 20, (site, number) =>
    {
        site.Lab.Add(site.Json);
        AtCall.Run(site.Lab, "DEL", site.Json, number, Terminate).Answer.AssertSuccess();
        site.AssertClean();
    });

    private static void AtEachCall(string what, string verb, int sample, Action<Site, int> test)
    {
        var site = new Site();
        try
        {
            if (verb == "DEL")
            {
                site.Lab.Add(site.Json);
            }

            int count = AtCall.CallsOf(site.Lab, verb, site.Json).Length;
            site.AssertDeletes();
            var findings = new Findings(what);
            foreach (int number in Extent.Sample([.. Enumerable.Range(1, count)], sample))
            {
                if (!findings.Try(() => $"before call {number}", () => test(site, number)))
                {
                    site.Dispose();
                    site = new Site();
                }
            }

            findings.AssertNone(atLeast: sample / 2);
        }
        finally
        {
            site.Dispose();
        }
    }
}
