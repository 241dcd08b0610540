using Shared;

namespace SystemTests.EgressIp;

/// <summary>An agent that ends for good, and gives its addresses away before.</summary>
public class DrainTests
{
    [RootFact]
    public void An_agent_that_drains_ends_when_another_node_has_its_address_and_no_connection_is_lost()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        EgressLab lab = cluster.Lab;
        int holder = Assert.IsType<int>(cluster.HolderOf(EgressCluster.Address4));
        cluster.Agent(holder).Signal("TERM");
        cluster.Agent(holder).UntilItEnds();
        cluster.StartAgent(holder, "--drain");
        Eventually.IsTrue(cluster.Agent(holder).IsReady, cluster.Logs, 10);
        Assert.Equal(holder, cluster.HolderOf(EgressCluster.Address4));

        lab.ForgetSources();
        cluster.Agent(holder).Signal("TERM");
        Assert.Equal(0, cluster.Agent(holder).UntilItEnds());
        Eventually.IsTrue(
            () => cluster.HolderOf(EgressCluster.Address4) is int now && now != holder, () => $"nobody takes it\n{cluster.Logs()}", 10);
        Assert.All(lab.Pods.Where(pod => pod.Name != "a2"), pod =>
            Assert.Equal(EgressCluster.Address4, EgressLab.Ask(pod, Protocol.Tcp, EgressLab.Server4)));

        // With its next start it may hold addresses again.
        cluster.StartAgent(holder);
        Eventually.IsTrue(
            () => cluster.Server.Get("egressnodes", $"n{holder}")!["status"]!["conditions"]!.AsArray()
                .All(condition => (string)condition!["type"]! != "Reachable"),
            () => cluster.Logs(), 10);
    }
}
