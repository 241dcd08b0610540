using System.Net;
using EgressDataPath.Kernel;
using EgressOperator.Controller;
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

    private readonly Gauge _portShare;

    private readonly Gauge _entries;

    private readonly Gauge _limit;

    private readonly Counter _failures;

    private readonly KernelCounter _dropped;

    private readonly KernelCounter _sentBytes;

    private readonly KernelCounter _sentPackets;

    private readonly KernelCounter _receivedBytes;

    private readonly KernelCounter _receivedPackets;

    private readonly Lock _lock = new();

    /// <param name="packets">The counters in the kernel, read whenever metrics are asked for.</param>
    /// <param name="connections">The same of its connections.</param>
    public AgentMetrics(PacketCounters packets, ConnectionCounts connections)
    {
        MetricFactory make = Metrics.WithCustomRegistry(Registry);
        _steps = make.CreateCounter("egress_agent_kernel_changes_total", "Changes of the kernel that the agent has made.");
        _pods = make.CreateGauge("egress_agent_pod_addresses", "Addresses of pods of this node that an EgressIP serves.");
        _addresses = make.CreateGauge("egress_agent_egress_ips", "Egress addresses that this node holds.");
        _conflicts = make.CreateGauge(
            "egress_agent_conflicts",
            "1 for each egress address that this node does not take, because another machine has it.", "egress_ip");
        var latencies = new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(start: 0.01, factor: 2, count: 12) };
        _assigning = make.CreateHistogram(
            "ovnkube_controller_egress_ips_assign_latency_seconds",
            "How long it took from the decision that this node holds an address until the node held it.", latencies);
        _unassigning = make.CreateHistogram(
            "ovnkube_controller_egress_ips_unassign_latency_seconds", "How long it took this node to let go of an address.", latencies);
        _dropped = new(make.CreateCounter(
            "egress_agent_packets_dropped_total", "Packets that the data path has dropped, by reason.", "reason"));
        _sentBytes = new(make.CreateCounter("egress_agent_sent_bytes_total", "Bytes that left with an egress address.", "egress_ip"));
        _sentPackets = new(make.CreateCounter("egress_agent_sent_packets_total", "Packets that left with an egress address.", "egress_ip"));
        _receivedBytes = new(make.CreateCounter("egress_agent_received_bytes_total", "Bytes that answer an egress address.", "egress_ip"));
        _receivedPackets = new(make.CreateCounter(
            "egress_agent_received_packets_total", "Packets that answer an egress address.", "egress_ip"));
        _connections = make.CreateGauge(
            "egress_agent_connections", "Connections that leave this node with an egress address.", "egress_ip");
        _ports = make.CreateGauge(
            "egress_agent_ports_in_use", "Ports of an egress address that are in use to the destination with most of them.", "egress_ip");
        _portShare = make.CreateGauge(
            "egress_agent_ports_used_ratio", "The same as a share of the ports that an address has, from 0 to 1.", "egress_ip");
        _entries = make.CreateGauge("egress_agent_conntrack_entries", "Connections in the connection table of the node, of whatever kind.");
        _limit = make.CreateGauge("egress_agent_conntrack_entries_limit", "Connections that the table may have.");
        _failures = make.CreateCounter(
            "egress_agent_connection_failures_total", "Connections of the node that the kernel did not begin, as without a free port.");
        Registry.AddBeforeCollectCallback(() =>
        {
            // Two may ask at the same time.
            lock (_lock)
            {
                Read(packets, connections);
            }
        });
        Heartbeats = new HeartbeatMetrics(Registry);
    }

    public HeartbeatMetrics Heartbeats { get; }

    public CollectorRegistry Registry { get; } = Metrics.NewCustomRegistry();

    public void Reconciled(int steps) => _steps.Inc(steps);

    public void Assigned(TimeSpan latency) => _assigning.Observe(latency.TotalSeconds);

    public void Unassigned(TimeSpan latency) => _unassigning.Observe(latency.TotalSeconds);

    /// <summary>What the node does after a step.</summary>
    public void Serves(int pods, IReadOnlyCollection<IPAddress> held, IEnumerable<IPAddress> conflicts)
    {
        _pods.Set(pods);
        _addresses.Set(held.Count);
        _conflicts.SetOnes(conflicts.Select(address => (string[])[address.ToString()]));
    }

    private void Read(PacketCounters packets, ConnectionCounts connections)
    {
        try
        {
            (long entries, long limit) = connections.ReadTable();
            _entries.Set(entries);
            _limit.Set(limit);
            _failures.IncTo(connections.ReadFailures());
            IReadOnlyDictionary<IPAddress, AddressUse> uses = connections.Read();
            _dropped.Take(packets.Read().Select(one => (one.Key, one.Value)));
            IReadOnlyDictionary<IPAddress, AddressTraffic> traffic = packets.ReadTraffic();
            Count(uses, traffic.Keys);
            Count(traffic);
        }
        catch (NetlinkException)
        {
            // The table is not there yet, or no more: the counters stay as they were.
        }
    }

    /// <param name="held">Addresses that are told also if they have no connection.</param>
    private void Count(IReadOnlyDictionary<IPAddress, AddressUse> uses, IEnumerable<IPAddress> held)
    {
        (string[] Labels, AddressUse Use)[] all = [.. uses.Keys.Union(held)
            .Select(address => ((string[])[address.ToString()], uses.GetValueOrDefault(address)))];
        _connections.SetAll(all.Select(one => (one.Labels, (double)one.Use.Connections)));
        _ports.SetAll(all.Select(one => (one.Labels, (double)one.Use.Ports)));
        _portShare.SetAll(all.Select(one => (one.Labels, (double)one.Use.Ports / ConnectionCounts.UsablePorts)));
    }

    private void Count(IReadOnlyDictionary<IPAddress, AddressTraffic> traffic)
    {
        foreach ((KernelCounter counter, Func<AddressTraffic, ulong> value) in
            ((KernelCounter, Func<AddressTraffic, ulong>)[])[
                (_sentBytes, one => one.Sent.Bytes), (_sentPackets, one => one.Sent.Packets),
                (_receivedBytes, one => one.Received.Bytes), (_receivedPackets, one => one.Received.Packets)])
        {
            counter.Take(traffic.Select(one => (one.Key.ToString(), value(one.Value))));
        }
    }
}
