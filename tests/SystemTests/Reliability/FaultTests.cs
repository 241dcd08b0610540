using System.Text.Json.Nodes;
using Netlink;

namespace SystemTests.Reliability;

/// <summary>Each system call of the plugin fails once with each error number: what the caller is told is true.</summary>
public abstract class FaultTests
{
    private static readonly (string Name, int Number)[] _errors =
    [
        ("EPERM", Errno.EPERM), ("EINTR", Errno.EINTR), ("EAGAIN", Errno.EAGAIN), ("ENOBUFS", Errno.ENOBUFS),
        ("ENOMEM", Errno.ENOMEM), ("EIO", 5), ("EBUSY", Errno.EBUSY), ("ENODEV", Errno.ENODEV),
    ];

    /// <summary>
    /// Calls of the .NET runtime for itself: memory, threads, signals. Where it gets no memory it ends the process, and
    /// nobody can tell anything then: DEL has to put everything right.
    /// </summary>
    private static readonly string[] _runtime =
    [
        "mmap", "munmap", "mprotect", "madvise", "brk", "futex", "sched_yield", "sched_getaffinity", "rt_sigprocmask", "rt_sigaction",
        "sigaltstack",
        "clone3", "clone", "set_robust_list", "rseq", "prctl", "gettid", "getpid", "membarrier", "clock_nanosleep",
        // A wait (futex) that the tracer has interrupted goes on by this one.
        "restart_syscall",
    ];

    /// <summary>Calls that cannot fail.</summary>
    private static readonly string[] _neverFail = ["exit", "exit_group"];

    /// <summary>Runs all cases of a verb, or a sample of them.</summary>
    /// <param name="verb">ADD, CHECK or DEL.</param>
    /// <param name="sample">How many cases a sample has.</param>
    /// <param name="prepare">Makes what the verb starts from.</param>
    /// <param name="judge">Fails unless the answer is true; the last argument: whether the call was the runtime's own.</param>
    internal static void RunAll(string verb, int sample, Action<ReliabilityLab>? prepare, Action<ReliabilityLab, CommandResult, bool> judge)
    {
        var lab = new ReliabilityLab();
        try
        {
            prepare?.Invoke(lab);
            string[] calls = AtCall.CallsOf(lab.Lab, verb, JsonOf(lab, verb));
            lab.AssertDeletes();
            var cases = Enumerable.Range(1, calls.Length).Where(number => !_neverFail.Contains(calls[number - 1])).SelectMany(
                _ => _errors, (number, error) => (Number: number, Error: error)).ToArray();
            var findings = new Findings($"{verb}: a system call fails");
            foreach (var (number, error) in Sampling.Sample(cases, sample))
            {
                string name = $"call {number} ({calls[number - 1]}) fails with {error.Name}";
                TracedResult? result = null;
                bool held = findings.Try(() => $"{name}, {result?.Answer}", () =>
                {
                    prepare?.Invoke(lab);
                    result = AtCall.Run(lab.Lab, verb, JsonOf(lab, verb), number, $"error:{error.Number}");
                    // Allocations and waits differ a little from run to run: the last calls may not be there.
                    judge(lab, result.Answer, result.Calls is not [string met] || _runtime.Contains(met));
                });
                if (!held)
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

    private static string JsonOf(ReliabilityLab lab, string verb) => verb == "CHECK" ? lab.JsonWithResult : lab.Json;

    /// <summary>The process was ended by the runtime (abort), which only its own calls may cause.</summary>
    internal static bool Died(CommandResult answer, bool isRuntime) => isRuntime && answer.ExitCode > 128;

    internal static void AssertOneError(CommandResult answer)
    {
        JsonObject error = JsonNode.Parse(answer.Stdout)!.AsObject();
        Assert.True((int)error["code"]! != 0 && ((string?)error["msg"])?.Length > 0, answer.ToString());
    }
}

/// <summary>ADD: all or nothing.</summary>
public class AddFaultTests : FaultTests
{
    [RootFact]
    public void ADD_succeeds_in_full_or_leaves_everything_as_it_was() => RunAll("ADD", 100, prepare: null, (lab, answer, isRuntime) =>
    {
        if (answer.ExitCode == 0)
        {
            Assert.Equal("net1", (string?)JsonNode.Parse(answer.Stdout)!["interfaces"]![0]!["name"]);
            lab.AssertAttached();
        }
        else if (!Died(answer, isRuntime))
        {
            AssertOneError(answer);
            lab.AssertClean();
            return;
        }

        lab.AssertDeletes();
    });
}

/// <summary>DEL and CHECK.</summary>
public class OtherFaultTests : FaultTests
{
    [RootFact]
    public void DEL_removes_all_or_says_that_it_has_not() => RunAll("DEL", 40, lab => lab.Lab.Add(lab.Json), (lab, answer, isRuntime) =>
    {
        if (answer.ExitCode == 0)
        {
            answer.AssertSuccess();
            lab.AssertClean();
        }
        else if (!Died(answer, isRuntime))
        {
            AssertOneError(answer);
        }

        lab.AssertDeletes();
    });

    /// <summary>Its last message takes the table away. That it cannot be sent to any device does not mean that there is no table.</summary>
    [RootFact]
    public void DEL_does_not_take_an_error_of_its_socket_for_the_absence_of_what_it_removes()
    {
        using var lab = new ReliabilityLab();
        lab.Lab.Add(lab.Json);
        int last = AtCall.CallsOf(lab.Lab, "DEL", lab.Json).Count(call => call == "sendto");
        lab.Lab.Add(lab.Json);
        AtCall.RunAt(lab.Lab, "DEL", lab.Json, last, "sendto", "error:19").Answer.AssertErrorNaming([100], "delete nftables table");
        lab.AssertDeletes();
    }

    [RootFact]
    public void CHECK_changes_nothing_and_tells_no_difference() =>
        RunAll("CHECK", 40, lab => lab.Lab.Add(lab.Json), (lab, answer, isRuntime) =>
    {
        if (answer.ExitCode == 0)
        {
            answer.AssertSuccess();
        }
        else if (!Died(answer, isRuntime))
        {
            AssertOneError(answer);
            // The kernel could not be read: that must not be taken for a kernel that differs.
            Assert.NotEqual(102, (int)JsonNode.Parse(answer.Stdout)!["code"]!);
        }

        lab.AssertAttached();
        lab.AssertDeletes();
    });
}
