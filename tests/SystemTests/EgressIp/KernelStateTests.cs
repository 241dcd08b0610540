using System.Text.RegularExpressions;
using Shared;

namespace SystemTests.EgressIp;

/// <summary>What agents leave and mend in the kernel.</summary>
public partial class KernelStateTests
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
        Eventually.IsTrue(() => cluster.Agent(holder).Log.Contains("rebind", StringComparison.Ordinal), "it does not start");
        cluster.Settled();
        Assert.Equal(holder, cluster.HolderOf(EgressCluster.Address4));
    }

    [RootFact]
    public void What_others_remove_is_put_back()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        EgressLab lab = cluster.Lab;
        int holder = Assert.IsType<int>(cluster.HolderOf(EgressCluster.Address4));
        int other = lab.Pods.First(pod => pod.Node != holder && pod.Name != "a2").Node;
        foreach ((int node, string[] command) in ((int, string[])[])[
            (other, ["nft", "delete table inet egress_ip"]),
            (other, ["nft", "flush chain inet egress_ip classify"]),
            (other, ["nft", "flush map inet egress_ip pods4"]),
            (other, ["ip", "rule", "delete", "priority", "40"]),
            (other, ["ip", "link", "set", "egress0", "down"]),
            (other, ["ip", "link", "delete", "egress0"]),
            (holder, ["ip", "route", "flush", "table", "7226"]),
            (holder, ["ip", "address", "delete", $"{EgressCluster.Address4}/32", "dev", "eth0"]),
            (holder, ["ip", "link", "set", "egress0", "mtu", "1400"])])
        {
            string before = StateOf(lab.Node(node));
            Lab.In(lab.Node(node), command);
            Eventually.IsTrue(
                () => StateOf(lab.Node(node)) == before, () => $"{string.Join(' ', command)}\n{before}\n---\n{StateOf(lab.Node(node))}\n{cluster.Logs()}",
                5);
        }

        cluster.Settled();
    }

    [RootFact]
    public void Cleanup_leaves_nothing()
    {
        using EgressCluster cluster = new EgressCluster().Settled();
        string node = cluster.Lab.Node(cluster.HolderOf(EgressCluster.Address4)!.Value);
        cluster.Agent(cluster.HolderOf(EgressCluster.Address4)!.Value).Kill();
        CommandResult result = Command.Run(
            Operator.EmptyRoot.Program, ["agent", "--node", "n1", "--netns", Lab.PathOf(node), "--cleanup"]);
        Assert.True(result.ExitCode == 0, $"{result}");
        Assert.DoesNotContain("egress", StateOf(node), StringComparison.Ordinal);
        Assert.DoesNotContain("7226", StateOf(node), StringComparison.Ordinal);
        Assert.DoesNotContain(EgressCluster.Address4, StateOf(node), StringComparison.Ordinal);
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

    /// <summary>Links, addresses, routes, rules and the table, without what counts and ages, and in no order.</summary>
    private static string StateOf(string node) => string.Join('\n', Numbers().Replace(
        Lab.In(node, "sh", "-c", """
            ip -o link show egress0 2>/dev/null; ip -o address show
            for family in -4 -6; do ip $family rule; for table in 7101 7102 7103 7226; do ip $family route show table $table 2>/dev/null; done; done
            nft list table inet egress_ip 2>/dev/null || true
            """),
        "").Split(['\n', ',']).Select(part => part.Trim(' ', '\t', '{', '}')).Where(part => part.Length > 0).Order(StringComparer.Ordinal));

    [GeneratedRegex("packets [0-9]+ bytes [0-9]+|elements = |(?m)^[0-9]+: |valid_lft [^ ]*|preferred_lft [^ ]*")]
    private static partial Regex Numbers();
}
