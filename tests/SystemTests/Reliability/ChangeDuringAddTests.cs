using Shared;

namespace SystemTests.Reliability;

/// <summary>The world changes in the middle of ADD, before each message to the kernel.</summary>
public class ChangeDuringAddTests
{
    private static readonly string[] _changes =
    [
        "link set par0 down",
        "link del par0",
        "link set par0 down\nlink set par0 name par7\nlink set par7 up",
        "link set par0 mtu 1280",
    ];

    /// <summary>The configuration's own parent, beside that of the lab.</summary>
    private static readonly string _json = Config.Changed(
        config => config["interfaceArgs"] = new System.Text.Json.Nodes.JsonObject { ["master"] = "par0" });

    public static TheoryData<string> Changes => [.. _changes];

    [RootTheory]
    [MemberData(nameof(Changes))]
    public void The_parent_changes(string change)
    {
        using var lab = new Lab();
        MakeParent(lab);
        Snapshot pod = lab.PodSnapshot();
        Run($"ADD: in its middle {change.ReplaceLineEndings(", ")}", lab, _json,
            $"printf '{change.Replace("\n", "\\n", StringComparison.Ordinal)}\\n' | ip -batch -", result =>
        {
            if (result.ExitCode != 0)
            {
                result.AssertError(7, 100);
                lab.PodSnapshot().AssertSameAs(pod);
            }

            lab.Run("DEL", _json).AssertSuccess();
            lab.PodSnapshot().AssertSameAs(pod);
            MakeParent(lab);
        });
    }

    [RootFact]
    public void The_namespace_of_the_pod_vanishes()
    {
        using var lab = new Lab(bare: true);
        Snapshot node = lab.NodeSnapshot();
        Run("ADD: in its middle the pod's namespace vanishes", lab, Config.Redirect, $"ip netns delete {lab.Pod}", result =>
        {
            // What ADD has made is gone with the namespace when ADD ends, whatever it says.
            if (result.ExitCode != 0)
            {
                result.AssertError(8, 100);
            }

            lab.Run("DEL", Config.Redirect).AssertSuccess();
            // The kernel takes a namespace down a moment later.
            Eventually.IsTrue(() => lab.NodeSnapshot().IsSameAs(node), "the node is not as before");
            // Its name may have outlived it.
            _ = Command.Run("ip", ["netns", "delete", lab.Pod]);
            Command.Must("ip", ["netns", "add", lab.Pod]);
        });
    }

    [RootFact]
    public void The_interface_is_taken_away()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        // Before it is made, it cannot be.
        Run("ADD: in its middle its interface is taken away", lab, Config.Redirect, $"ip -n {lab.Pod} link del net1 2>/dev/null || true",
            result =>
        {
            if (result.ExitCode != 0)
            {
                result.AssertError(100);
                lab.PodSnapshot().AssertSameAs(pod);
            }

            lab.Run("DEL", Config.Redirect).AssertSuccess();
            lab.PodSnapshot().AssertSameAs(pod);
        });
    }

    /// <summary>Runs ADD, and a command before each of its messages.</summary>
    private static void Run(string what, Lab lab, string json, string command, Action<CommandResult> judge)
    {
        string[] calls = AtCall.CallsOf(lab, "ADD", json);
        lab.Run("DEL", json).AssertSuccess();
        int[] sends = [.. Enumerable.Range(1, calls.Count(call => call == "sendto"))];
        var findings = new Findings(what);
        foreach (int number in Sampling.Sample(sends, 6))
        {
            CommandResult? answer = null;
            findings.Try(() => $"before sendto {number}, {answer}", () =>
            {
                TracedResult result = AtCall.RunAt(lab, "ADD", json, number, "sendto", "run:" + command);
                answer = result.Answer;
                Assert.DoesNotContain("at-call:", answer.Stderr, StringComparison.Ordinal);
                judge(answer);
            });
        }

        findings.AssertNone(atLeast: 4);
    }

    private static void MakeParent(Lab lab)
    {
        foreach (string left in (string[])["par0", "par7"])
        {
            _ = Command.Run("nsenter", ["--net=" + Lab.PathOf(lab.Node), "ip", "link", "del", left]);
        }

        Lab.Batch(lab.Node, """
            link add par0 type veth peer name par1
            link set par1 up
            link set par0 up
            """);
    }
}
