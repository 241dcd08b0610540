using Shared;

namespace SystemTests.EgressIp;

/// <summary>What agents leave in the kernel.</summary>
public class KernelStateTests
{
    /// <summary>The other nodes want its addresses, and hear its kernel answer for them.</summary>
    [RootFact]
    public void While_an_agent_is_away_its_node_keeps_the_addresses()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        EgressLab lab = cluster.Lab;
        int holder = Assert.IsType<int>(cluster.HolderOf(EgressCluster.Address4));
        // The agents decide nothing about each other before they have known each other for three seconds.
        Thread.Sleep(TimeSpan.FromSeconds(4));
        cluster.Agent(holder).Kill();
        Eventually.IsTrue(
            () => Enumerable.Range(1,
                EgressLab.Nodes).Any(node => cluster.Agent(node).Log.Contains("is not taken", StringComparison.Ordinal)),
            () => $"nobody asks for the address\n{cluster.Logs()}", 10);
        // Longer than it takes until another machine's answers are told.
        Thread.Sleep(TimeSpan.FromSeconds(12));
        Assert.Equal(holder, cluster.HolderOf(EgressCluster.Address4));
        Assert.All(lab.Pods.Where(pod => pod.Name != "a2"), pod =>
            Assert.Equal(EgressCluster.Address4, EgressLab.Ask(pod, Protocol.Tcp, EgressLab.Server4)));
        cluster.StartAgent(holder);
        Eventually.IsTrue(cluster.Agent(holder).IsReady, cluster.Logs, 10);
        cluster.Settled();
        Assert.Equal(holder, cluster.HolderOf(EgressCluster.Address4));
    }

    [RootFact]
    public void Cleanup_leaves_nothing()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        string node = cluster.Lab.Node(cluster.HolderOf(EgressCluster.Address4)!.Value);
        cluster.Agent(cluster.HolderOf(EgressCluster.Address4)!.Value).Kill();
        CommandResult result = Command.Run(
            OperatorProcess.Program, ["agent", "--node", "n1", "--netns", Lab.PathOf(node), "--cleanup"]);
        Assert.True(result.ExitCode == 0, $"{result}");
        Assert.DoesNotContain("egress", NodeState.Of(node), StringComparison.Ordinal);
        Assert.DoesNotContain("7226", NodeState.Of(node), StringComparison.Ordinal);
        Assert.DoesNotContain(EgressCluster.Address4, NodeState.Of(node), StringComparison.Ordinal);
    }

    [RootFact]
    public void An_object_without_an_assigned_address_holds_its_pods_unless_it_may_fail_open()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        EgressLab lab = cluster.Lab;
        for (int node = 1; node <= EgressLab.Nodes; node++)
        {
            cluster.SetAssignable(node, false);
        }

        Eventually.IsTrue(() => cluster.HolderOf(EgressCluster.Address4) is null, () => cluster.Logs(), 10);
        lab.ForgetSources();
        Assert.Null(EgressLab.Ask(lab["b1"], Protocol.Tcp, EgressLab.Server4, seconds: 1));
        Assert.Empty(lab.SourcesSeen());
        Assert.True(lab.Counter(2, "held") > 0);

        cluster.Apply("prod", [EgressCluster.Address4, EgressCluster.Address6],
            new() { ["egressip.egress-router-cni.io/fail-open"] = "true" });
        cluster.UntilSource(lab["b1"], EgressLab.Server4, EgressLab.AddressOf(2));
    }
}
