using System.Net;
using EgressDataPath.Kernel;
using EgressOperator.Heartbeats;
using Netlink;
using Prometheus;

namespace EgressOperator.Agent;

/// <summary>The agent's metrics. What OVN-Kubernetes measures too has its name.</summary>
internal sealed class AgentMetrics
{
    private readonly Counter _steps;

    private readonly Gauge _pods;

    private readonly Gauge _addresses;

    private readonly Gauge _conflicts;

    private readonly Histogram _assigning;

    private readonly Histogram _unassigning;

    private readonly Gauge _connections;

    private readonly Gauge _ports;

    private readonly Counter _failures;

    /// <param name="packets">The counters in the kernel, read whenever metrics are asked for.</param>
    /// <param name="connections">The same of its connections.</param>
    public AgentMetrics(PacketCounters packets, ConnectionCounts connections)
    {
        MetricFactory make = Metrics.WithCustomRegistry(Registry);
        _steps = make.CreateCounter("egress_agent_kernel_changes_total", "Changes of the kernel that the agent has made.");
        _pods = make.CreateGauge("egress_agent_pod_addresses", "Addresses of pods of this node that an EgressIP serves.");
        _addresses = make.CreateGauge("egress_agent_egress_ips", "Egress addresses that this node holds.");
        _conflicts = make.CreateGauge(
            "egress_agent_conflicts", "Egress addresses that this node does not take, because another machine has them.");
        var latencies = new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(start: 0.01, factor: 2, count: 12) };
        _assigning = make.CreateHistogram(
            "ovnkube_controller_egress_ips_assign_latency_seconds",
            "How long it took from the decision that this node holds an address until the node held it.", latencies);
        _unassigning = make.CreateHistogram(
            "ovnkube_controller_egress_ips_unassign_latency_seconds", "How long it took this node to let go of an address.", latencies);
        Counter dropped = make.CreateCounter(
            "egress_agent_packets_dropped_total", "Packets that the data path has dropped, by reason.", "reason");
        _connections = make.CreateGauge(
            "egress_agent_connections", "Connections that leave this node with an egress address.", "egress_ip");
        _ports = make.CreateGauge(
            "egress_agent_ports_in_use", "Ports of an egress address that are in use to the destination with most of them.", "egress_ip");
        _failures = make.CreateCounter(
            "egress_agent_connection_failures_total", "Connections of the node that the kernel did not begin, as without a free port.");
        Registry.AddBeforeCollectCallback(() =>
        {
            try
            {
                Count(connections.Read());
                _failures.IncTo(connections.ReadFailures());
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

    public void Assigned(TimeSpan latency) => _assigning.Observe(latency.TotalSeconds);

    public void Unassigned(TimeSpan latency) => _unassigning.Observe(latency.TotalSeconds);

    public void Serves(int pods, int addresses, int conflicts)
    {
        _pods.Set(pods);
        _addresses.Set(addresses);
        _conflicts.Set(conflicts);
    }

    private void Count(IReadOnlyDictionary<IPAddress, AddressUse> uses)
    {
        foreach (string[] gone in _connections.GetAllLabelValues().Where(labels => !uses.ContainsKey(IPAddress.Parse(labels[0]))))
        {
            _connections.RemoveLabelled(gone);
            _ports.RemoveLabelled(gone);
        }

        foreach ((IPAddress address, AddressUse use) in uses)
        {
            _connections.WithLabels(address.ToString()).Set(use.Connections);
            _ports.WithLabels(address.ToString()).Set(use.Ports);
        }
    }
}
