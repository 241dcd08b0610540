using System.Collections.Immutable;
using EgressIp;
using Prometheus;

namespace EgressOperator.Controller;

/// <summary>The controller's metrics. What OVN-Kubernetes counts too has its name.</summary>
internal sealed class ControllerMetrics
{
    private readonly Gauge _egressIPs;
    private readonly Gauge _addresses;
    private readonly Gauge _unassigned;
    private readonly Counter _moves;
    private readonly Counter _losses;
    private readonly Counter _writes;
    private readonly Counter _failures;
    private readonly Counter _events;
    private readonly Gauge _leader;
    private readonly Gauge _duration;

    /// <summary>Nodes that were lost at the newest assignment, and still named by a status.</summary>
    private ImmutableHashSet<string> _lost = [];

    public ControllerMetrics()
    {
        MetricFactory make = Metrics.WithCustomRegistry(Registry);
        _leader = make.CreateGauge("egress_operator_leader", "1 if this process assigns egress addresses, 0 if another does.");
        _egressIPs = make.CreateGauge("egress_operator_egressips", "EgressIP objects.");
        _addresses = make.CreateGauge("ovnkube_clustermanager_num_egress_ips", "Egress addresses that a node holds.");
        _unassigned = make.CreateGauge(
            "egress_operator_unassigned_egress_ips", "1 for each egress address that no node holds.", "name", "egress_ip");
        _moves = make.CreateCounter(
            "ovnkube_clustermanager_egress_ips_rebalance_total", "Egress addresses that have moved to another node.");
        _losses = make.CreateCounter(
            "ovnkube_clustermanager_egress_ips_node_unreachable_total", "How often a node with egress addresses was lost.", "egress_node");
        _writes = make.CreateCounter("egress_operator_status_writes_total", "Statuses of EgressIPs that were written.");
        _failures = make.CreateCounter("egress_operator_write_failures_total", "Writes of statuses and events that were tried again.");
        _events = make.CreateCounter("egress_operator_events_total", "Events that were told.");
        _duration = make.CreateGauge("egress_operator_assignment_seconds", "How long the last assignment took.");
        Gauge length = make.CreateGauge("egress_operator_queue_length", "EgressIPs whose status or events have to be written.");
        Registry.AddBeforeCollectCallback(() => length.Set(QueueLength()));
        Registry.AddBeforeCollectCallback(() => _leader.Set(IsLeader() ? 1 : 0));
    }

    public CollectorRegistry Registry { get; } = Metrics.NewCustomRegistry();

    public Func<int> QueueLength { get; set; } = () => 0;

    public Func<bool> IsLeader { get; set; } = () => false;

    /// <param name="cluster">The state before the assignment.</param>
    /// <param name="duration">How long the assignment took.</param>
    public void Decided(Cluster cluster, Assignment assignment, TimeSpan duration)
    {
        string[] holders = [.. cluster.EgressIPs.SelectMany(egressIP => egressIP.Items).Select(item => item.Node).Distinct()];
        ImmutableHashSet<string> lost = [.. cluster.Nodes.Where(node => !node.Ready).Select(node => node.Name)
            .Concat(cluster.Nodes.SelectMany(node => node.Taken).Select(taken => taken.From))
            .Intersect(holders)];
        // A counter must be there before it counts: Prometheus sees no increase of a new one.
        foreach (string node in holders)
        {
            _losses.WithLabels(node).Inc(lost.Contains(node) && !_lost.Contains(node) ? 1 : 0);
        }

        _lost = lost;
        _egressIPs.Set(assignment.Objects.Length);
        _addresses.Set(assignment.Objects.Sum(made => made.Items.Length));
        _unassigned.SetOnes(assignment.Objects.SelectMany(made => made.Unassigned
            .Select(address => (string[])[made.Name, address.EgressIP])));
        _duration.Set(duration.TotalSeconds);
    }

    /// <summary>Only the leader knows the state of the addresses.</summary>
    public void EndTerm()
    {
        QueueLength = () => 0;
        _egressIPs.Set(0);
        _addresses.Set(0);
        _unassigned.SetOnes([]);
    }

    public void CountWrite(int moves)
    {
        _writes.Inc();
        _moves.Inc(moves);
    }

    public void CountFailure() => _failures.Inc();

    public void CountEvents(int count) => _events.Inc(count);
}
