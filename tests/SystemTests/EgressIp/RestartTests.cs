using ApiServer;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>Agents that end in any way, and start again.</summary>
public class RestartTests(ITestOutputHelper output)
{
    [RootTheory]
    [InlineData("TERM", false)]
    [InlineData("KILL", false)]
    [InlineData("TERM", true)]
    [InlineData("KILL", true)]
    public void Traffic_goes_on_and_nothing_changes(string signal, bool withoutServer)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        int[] nodes = [.. Enumerable.Range(1, EgressLab.Nodes)];
        cluster.UntilStable(EgressCluster.Address4);
        cluster.UntilStable(EgressCluster.Address6);
        Snapshot[] before = [.. nodes.Select(node => new Snapshot(Lab.PathOf(lab.Node(node))).WithoutNumbers())];
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        using var server6 = new TellingServer(lab.Out, EgressLab.Server6);
        var watch = new ArrivalWatch(lab.Out);
        Talk[] talks = [.. lab.Pods.Where(pod => pod.Name != "a2").SelectMany(pod => ((TellingServer[])[server, server6])
            .SelectMany(to => ((bool[])[true, false]).Select(sends => new Talk(pod.Namespace, to, sends))))];
        using var load = new Load(lab["b1"].Namespace, server, 50);

        foreach (int node in nodes)
        {
            cluster.Agent(node).Signal(signal);
            int code = cluster.Agent(node).UntilItEnds();
            Assert.True(code == 0 || signal == "KILL", $"exit code {code}\n{cluster.Agent(node).Log}");
        }

        // As long as it takes to update an agent on a node.
        Thread.Sleep(TimeSpan.FromSeconds(1));
        AssertUnchanged(lab, nodes, before);
        if (withoutServer)
        {
            cluster.Server.GoAway().GetAwaiter().GetResult();
        }

        Array.ForEach(nodes, node => cluster.StartAgent(node));
        if (withoutServer)
        {
            // An agent that knows nothing of the cluster leaves all as it is. Longer, and the pauses between their attempts would differ by
            // more than the time after which nodes that are not heard count as lost.
            Thread.Sleep(TimeSpan.FromSeconds(1.5));
            AssertUnchanged(lab, nodes, before);
            cluster.Server.Return().GetAwaiter().GetResult();
        }

        Eventually.IsTrue(() => nodes.All(node => cluster.Agent(node).IsReady()), () => cluster.Logs(), 15);
        cluster.UntilStable(EgressCluster.Address4);
        AssertUnchanged(lab, nodes, before);
        TalkResult[] results = [.. talks.Select(talk => talk.End())];
        LoadResult connections = load.End();
        output.WriteLine($"{connections}\n{string.Join("\n", results.AsEnumerable())}");
        Assert.True(connections is { Failures.Count: 0, Retried: 0 }, $"{connections}");
        Assert.All(results, result => Assert.True(result is { Fault: null, Longest.TotalSeconds: < 0.5 }, $"{result}"));
        Assert.Equal([EgressCluster.Address4, EgressCluster.Address6], watch.Packets().Keys);
    }

    /// <summary>After a reboot the node has nothing of ours.</summary>
    [RootFact]
    public void A_node_that_was_started_again_gets_all_back()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        int holder = cluster.UntilStable(EgressCluster.Address4);
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        cluster.Agent(holder).Dispose();
        Lab.In(lab.Node(holder), "sh", "-c", $"""
            nft delete table inet egress_ip
            ip link delete egress0
            for family in -4 -6; do
                while ip $family rule delete priority 40 2>/dev/null; do :; done
                for table in $(seq 7100 7226); do ip $family route flush table $table 2>/dev/null; done
            done
            ip address delete {EgressCluster.Address4}/32 dev eth0
            """);
        cluster.StartAgent(holder);
        int now = cluster.UntilStable(EgressCluster.Address4);
        foreach (LabPod pod in lab.Pods.Where(pod => pod.Name != "a2"))
        {
            cluster.UntilSource(pod, EgressLab.Server4, EgressCluster.Address4);
            cluster.UntilSource(pod, EgressLab.Server6, EgressCluster.Address6);
        }

        output.WriteLine($"from n{holder} to n{now}");
    }

    /// <summary>The agents of other nodes do not copy the pods of the whole cluster.</summary>
    [RootFact]
    public void An_agent_copies_the_pods_of_other_nodes_when_its_node_becomes_an_egress_node()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        cluster.SetAssignable(3, false);
        Array.ForEach((string[])[EgressCluster.Address4, EgressCluster.Address6],
            address => Eventually.IsTrue(() => cluster.HolderOf(address) is 1 or 2, cluster.Logs, 15));
        cluster.Agent(3).Kill();
        cluster.Server.ForgetRequests();
        cluster.StartAgent(3);
        Eventually.IsTrue(cluster.Agent(3).IsReady, cluster.Logs, 15);
        cluster.UntilSource(cluster.Lab["c1"], EgressLab.Server4, EgressCluster.Address4);
        Assert.DoesNotContain(cluster.Server.Requests, CopiesOtherPods);

        // The only node that is left has to serve the pods of the others.
        cluster.SetAssignable(3, true);
        cluster.SetAssignable(1, false);
        cluster.SetAssignable(2, false);
        Eventually.IsTrue(() => cluster.HolderOf(EgressCluster.Address4) == 3, cluster.Logs, 15);
        Assert.Contains(cluster.Server.Requests, CopiesOtherPods);
        AssertServed();

        // Without a controller the address stays, so the node needs these pods also without the label.
        cluster.Controller.Kill();
        cluster.Agent(3).Kill();
        cluster.SetAssignable(3, false);
        cluster.StartAgent(3);
        Eventually.IsTrue(cluster.Agent(3).IsReady, cluster.Logs, 15);
        AssertServed();

        void AssertServed() => Array.ForEach((string[])["a1", "b1", "c1"],
            pod => cluster.UntilSource(cluster.Lab[pod], EgressLab.Server4, EgressCluster.Address4));

        static bool CopiesOtherPods(ApiRequest request) =>
            request.Query.GetValueOrDefault("fieldSelector")?.Contains("nodeName!=n3", StringComparison.Ordinal) == true;
    }

    private static void AssertUnchanged(EgressLab lab, int[] nodes, Snapshot[] before)
    {
        foreach (int node in nodes)
        {
            new Snapshot(Lab.PathOf(lab.Node(node))).WithoutNumbers().AssertSameAs(before[node - 1]);
        }
    }
}
