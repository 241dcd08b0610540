using EgressDataPath.Kernel;
using EgressOperator.Heartbeats;
using Netlink;
using Prometheus;

namespace EgressOperator.Agent;

/// <summary>The agent's metrics.</summary>
internal sealed class AgentMetrics
{
    private readonly Counter _steps;

    private readonly Gauge _pods;

    private readonly Gauge _addresses;

    private readonly Gauge _conflicts;

    /// <param name="packets">The counters in the kernel, read whenever metrics are asked for.</param>
    public AgentMetrics(PacketCounters packets)
    {
        MetricFactory make = Metrics.WithCustomRegistry(Registry);
        _steps = make.CreateCounter("egress_agent_kernel_changes_total", "Changes of the kernel that the agent has made.");
        _pods = make.CreateGauge("egress_agent_pod_addresses", "Addresses of pods of this node that an EgressIP serves.");
        _addresses = make.CreateGauge("egress_agent_egress_ips", "Egress addresses that this node holds.");
        _conflicts = make.CreateGauge("egress_agent_conflicts", "Egress addresses that this node does not take, because another machine has them.");
        Counter dropped = make.CreateCounter("egress_agent_packets_dropped_total", "Packets that the data path has dropped, by reason.", "reason");
        Registry.AddBeforeCollectCallback(() =>
        {
            try
            {
                foreach ((string reason, ulong count) in packets.Read())
                {
                    dropped.WithLabels(reason).IncTo(count);
                }
            }
            catch (NetlinkException)
            {
                // The table is not there yet, or no more: the counters stay as they were.
            }
        });
        Heartbeats = new HeartbeatMetrics(Registry);
    }

    public HeartbeatMetrics Heartbeats { get; }

    public CollectorRegistry Registry { get; } = Metrics.NewCustomRegistry();

    public void Reconciled(int steps) => _steps.Inc(steps);

    public void Serves(int pods, int addresses, int conflicts)
    {
        _pods.Set(pods);
        _addresses.Set(addresses);
        _conflicts.Set(conflicts);
    }
}
