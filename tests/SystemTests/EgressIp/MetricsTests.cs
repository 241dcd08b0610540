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
}
