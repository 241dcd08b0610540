using System.Text.Json.Nodes;
using EgressRouter.Commands;
using SystemTests.Tools;

namespace SystemTests.Reliability;

/// <summary>A router that a newer version of the plugin has made remembers in a format that this version does not know.</summary>
public class NewerFormatTests
{
    private const string Refusal =
        "read the saved state in egress-router-net1: a newer version of the plugin has written it: its format is 2, this version reads formats up to 1";

    [RootFact]
    public void Is_an_error_for_all_who_need_it_and_DEL_removes_by_name()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        Lab.In(lab.Pod, "nft", "insert rule inet egress-router-net1 restore return comment \"format 2\"");
        string ruleset = Lab.In(lab.Pod, "nft", "list", "ruleset");

        lab.Check(Config.Redirect, result).AssertErrorNaming([(int)PluginErrorCode.KernelRefused], Refusal);
        foreach (string verb in (string[])["status", "repair"])
        {
            CommandResult tool = Tool.OnPod(lab, Config.Redirect, verb);
            Assert.True(tool.ExitCode == 2 && tool.Stderr.Contains(Refusal, StringComparison.Ordinal), tool.ToString());
        }

        CommandResult all = Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod));
        Assert.True(all.ExitCode == 2 && all.Stderr.Contains(Refusal, StringComparison.Ordinal), all.ToString());
        Assert.Equal(ruleset, Lab.In(lab.Pod, "nft", "list", "ruleset"));

        CommandResult deleted = lab.Run("DEL", Config.Redirect);
        Assert.True(deleted.ExitCode == 0, deleted.ToString());
        Assert.Contains(
            $"[warning] removing net1 by name; the pod's original state is not restored: {Refusal}", deleted.Stderr,
            StringComparison.Ordinal);
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
        Assert.DoesNotContain("egress-router", Lab.In(lab.Pod, "nft", "list", "ruleset"), StringComparison.Ordinal);
        Assert.DoesNotContain("0x3de", Lab.In(lab.Pod, "ip", "rule"), StringComparison.Ordinal);
    }
}
