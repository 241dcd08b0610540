using System.Globalization;
using Shared;

namespace SystemTests.Reliability;

/// <summary>ADD and DEL of one container at the same time, in the order in which it went wrong once.</summary>
public class RaceTests
{
    private const string Kill = "signal:9";

    /// <summary>
    /// DEL looks when there is the interface and nothing else; ADD comes to its end; DEL goes on. What ADD changed then is
    /// remembered by a table that DEL did not see at first.
    /// </summary>
    [RootFact]
    public void DEL_restores_what_ADD_changed_after_it_had_looked()
    {
        using var lab = new ReliabilityLab();
        // Before which message of ADD there is an interface and no table, and before which of DEL it has looked and done nothing.
        int half = Enumerable.Range(1, 40).First(number =>
        {
            AtCall.RunAt(lab.Lab, "ADD", lab.Json, number, "sendto", Kill);
            bool isHalf = HasLink(lab)
                && !Lab.In(lab.Lab.Pod, "nft", "list", "tables").Contains("egress-router", StringComparison.Ordinal);
            lab.AssertDeletes();
            return isHalf;
        });
        int looked = Enumerable.Range(1, 40).First(number =>
        {
            AtCall.RunAt(lab.Lab, "ADD", lab.Json, half, "sendto", Kill);
            AtCall.RunAt(lab.Lab, "DEL", lab.Json, number, "sendto", Kill);
            bool isGone = !HasLink(lab);
            lab.AssertDeletes();
            return isGone;
        }) - 1;

        DirectoryInfo folder = Directory.CreateTempSubdirectory("er-race-");
        try
        {
            string waits = Path.Combine(folder.FullName, "waits"), go = Path.Combine(folder.FullName, "go"),
            done = Path.Combine(folder.FullName, "done");
            Task<CommandResult> add = Task.Run(() =>
            {
                CommandResult added = AtCall.RunAt(
                    lab.Lab, "ADD", lab.Json, half, "sendto", "run:touch " + waits + "; " + WaitFor(go)).Answer;
                File.WriteAllText(done, "");
                return added;
            });
            Eventually.IsTrue(() => File.Exists(waits), "ADD does not wait", seconds: 10);
            CommandResult delete = AtCall.RunAt(
                lab.Lab, "DEL", lab.Json, looked, "sendto", "run:touch " + go + "; " + WaitFor(done)).Answer;
            CommandResult result = add.GetAwaiter().GetResult();
            Assert.True(result.ExitCode == 0, $"ADD was to come to its end first: {result}");
            delete.AssertSuccess();
            lab.AssertClean();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static bool HasLink(ReliabilityLab lab) =>
        Command.Run("nsenter", ["--net=" + Lab.PathOf(lab.Lab.Pod), "ip", "link", "show", "net1"]).ExitCode == 0;

    /// <summary>A loop of a shell, for ten seconds at most.</summary>
    private static string WaitFor(string file) => string.Create(
        CultureInfo.InvariantCulture, $"for i in $(seq 1000); do [ -e {file} ] && break; sleep 0.01; done");
}
