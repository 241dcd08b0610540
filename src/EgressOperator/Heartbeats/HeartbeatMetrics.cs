using System.Text.Json;
using Prometheus;

namespace EgressOperator.Heartbeats;

/// <summary>The metrics of the heartbeats.</summary>
internal sealed class HeartbeatMetrics
{
    private readonly Counter _sent;
    private readonly Counter _failures;
    private readonly Counter _received;
    private readonly Counter.Child[] _dropped;
    private readonly Gauge _missing;
    private readonly Gauge _dead;
    private readonly Gauge _isolated;

    public HeartbeatMetrics(CollectorRegistry registry)
    {
        MetricFactory make = Metrics.WithCustomRegistry(registry);
        _sent = make.CreateCounter("egress_operator_heartbeat_messages_sent_total", "Heartbeat messages that were sent.");
        _failures = make.CreateCounter("egress_operator_heartbeat_send_failures_total", "Heartbeat messages that the kernel did not send.");
        _received = make.CreateCounter("egress_operator_heartbeat_messages_received_total", "Heartbeat messages that were used.");
        Counter dropped = make.CreateCounter(
            "egress_operator_heartbeat_messages_dropped_total", "Datagrams that were not used, by reason.", "reason");
        _dropped = [.. Enum.GetValues<DropReason>().Select(reason => dropped.WithLabels(
            JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString())))];
        _missing = make.CreateGauge("egress_operator_heartbeat_missing_nodes", "Egress nodes that this node does not hear.");
        _dead = make.CreateGauge("egress_operator_heartbeat_dead_nodes", "Egress nodes that a majority of the nodes does not hear.");
        _isolated = make.CreateGauge("egress_operator_heartbeat_isolated", "1 if no majority of the nodes hears this egress node.");
    }

    public void CountSent(bool isSent) => (isSent ? _sent : _failures).Inc();

    public void CountReceived(DropReason? dropped)
    {
        if (dropped is DropReason reason)
        {
            _dropped[(int)reason].Inc();
        }
        else
        {
            _received.Inc();
        }
    }

    public void Set(HeartbeatView view)
    {
        _missing.Set(view.Missing.Count);
        _dead.Set(view.Dead.Count);
        _isolated.Set(view.IsIsolated ? 1 : 0);
    }
}
