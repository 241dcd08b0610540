using System.Text.Json.Nodes;
using Shared;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>What agents tell of an address that moves and of pods that wait for it.</summary>
public class MetricsTests(ITestOutputHelper output)
{
    private const string Assigned = "ovnkube_controller_egress_ips_assign_latency_seconds";

    private const string Unassigned = "ovnkube_controller_egress_ips_unassign_latency_seconds";

    [RootFact]
    public void Agents_count_addresses_pods_moves_and_held_packets()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        OperatorProcess[] agents = [.. Enumerable.Range(1, EgressLab.Nodes).Select(cluster.Agent)];
        int before = cluster.HolderOf(EgressCluster.Address4)!.Value;
        // a1 has an address of each family; a2 is not selected.
        Assert.Equal(2, cluster.Agent(1).Metric("egress_agent_pod_addresses"));
        Assert.Equal(2, agents.Sum(agent => agent.Metric("egress_agent_egress_ips")));
        double taken = agents.Sum(agent => agent.Metric(Assigned + "_count"));
        Assert.Equal(0, cluster.Agent(before).Metric(Unassigned + "_count"));

        cluster.SetAssignable(before, false);
        Eventually.IsTrue(() => cluster.Agent(before).Metric(Unassigned + "_count") == 1, cluster.Logs, 15);
        Eventually.IsTrue(() => agents.Sum(agent => agent.Metric(Assigned + "_count")) == taken + 1, cluster.Logs, 15);
        // The question whether the address is free takes a quarter of a second.
        OperatorProcess holder = cluster.Agent(cluster.HolderOf(EgressCluster.Address4)!.Value);
        double latency = holder.Metric(Assigned + "_sum") / holder.Metric(Assigned + "_count");
        Assert.InRange(latency, 0.25, 10);

        Array.ForEach((int[])[1, 2, 3], node => cluster.SetAssignable(node, false));
        Eventually.IsTrue(() => agents.Sum(agent => agent.Metric("egress_agent_egress_ips")) == 0, cluster.Logs, 15);
        double held = cluster.Agent(1).Metric("egress_agent_packets_dropped_total{reason=\"held\"}");
        Assert.Null(EgressLab.Ask(cluster.Lab["a1"], Protocol.Udp, EgressLab.Server4, seconds: 0.5));
        Assert.True(cluster.Agent(1).Metric("egress_agent_packets_dropped_total{reason=\"held\"}") > held);
    }

    /// <summary>Of pods beside the address and of others: what the agent counts is what the outside sees.</summary>
    [RootFact]
    public void The_holder_counts_bytes_and_packets_of_each_address()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        foreach ((string address, string server, string family) in ((string, string, string)[])[
            (EgressCluster.Address4, EgressLab.Server4, "ip"), (EgressCluster.Address6, EgressLab.Server6, "ip6")])
        {
            OperatorProcess holder = cluster.Agent(cluster.HolderOf(address)!.Value);
            long[] before = Counted(holder, address);
            Lab.In(cluster.Lab.Out, "nft", $$"""
                table {{family}} count {
                    counter sent {}
                    counter received {}
                    chain in { type filter hook prerouting priority -300; {{family}} saddr {{address}} udp sport > 0 counter name sent; }
                    chain out { type filter hook output priority 300; {{family}} daddr {{address}} udp sport > 0 counter name received; }
                }
                """);
            foreach (LabPod pod in cluster.Lab.Pods.Where(pod => pod.Name != "a2"))
            {
                Assert.Equal(address, EgressLab.Ask(pod, Protocol.Udp, server));
            }

            long[] seen = [.. ((string[])["sent", "received"]).SelectMany(name => CountedBy(cluster.Lab.Out, family, name))];
            Assert.All(seen, count => Assert.NotEqual(0, count));
            Assert.Equal(seen, Counted(holder, address).Zip(before, (now, then) => now - then));
            string series = $"egress_agent_sent_bytes_total{{egress_ip=\"{address}\"}}";
            Assert.All(
                Enumerable.Range(1, EgressLab.Nodes).Select(cluster.Agent),
                agent => Assert.Equal(agent == holder, agent.Metrics().Contains(series, StringComparison.Ordinal)));
        }
    }

    /// <summary>Bytes and packets sent, bytes and packets received.</summary>
    private static long[] Counted(OperatorProcess agent, string address) => [.. ((string[])["sent", "received"])
        .SelectMany(way => ((string[])["bytes", "packets"])
            .Select(unit => (long)agent.Metric($"egress_agent_{way}_{unit}_total{{egress_ip=\"{address}\"}}")))];

    private static long[] CountedBy(string space, string family, string counter)
    {
        JsonNode read = JsonNode.Parse(Lab.In(space, "nft", "-j", "list", "counter", family, "count", counter))!;
        read = read["nftables"]![1]!["counter"]!;
        return [(long)read["bytes"]!, (long)read["packets"]!];
    }
}
