using System.Collections.Concurrent;
using Prometheus;

namespace EgressOperator.Routers;

/// <summary>The metrics of EgressRouters.</summary>
internal sealed class RouterMetrics
{
    private readonly ConcurrentDictionary<string, (bool IsAvailable, bool IsDegraded)> _states = [];

    private readonly Counter _writes;
    private readonly Counter _restored;
    private readonly Counter _failures;

    public RouterMetrics(CollectorRegistry registry)
    {
        MetricFactory make = Metrics.WithCustomRegistry(registry);
        Gauge routers = make.CreateGauge("egress_operator_egressrouters", "EgressRouter objects.");
        Gauge available = make.CreateGauge("egress_operator_available_egressrouters", "EgressRouters that are Available.");
        Gauge degraded = make.CreateGauge("egress_operator_degraded_egressrouters", "EgressRouters that are Degraded.");
        _writes = make.CreateCounter(
            "egress_operator_egressrouter_writes_total", "Objects and statuses that were written for EgressRouters.");
        _restored = make.CreateCounter(
            "egress_operator_egressrouter_restored_total", "Objects of EgressRouters that another program had changed or deleted.");
        _failures = make.CreateCounter(
            "egress_operator_egressrouter_failures_total", "Writes for EgressRouters that were tried again.");
        registry.AddBeforeCollectCallback(() =>
        {
            routers.Set(_states.Count);
            available.Set(_states.Values.Count(state => state.IsAvailable));
            degraded.Set(_states.Values.Count(state => state.IsDegraded));
        });
    }

    public void Is(string router, bool isAvailable, bool isDegraded) => _states[router] = (isAvailable, isDegraded);

    public void Gone(string router) => _states.TryRemove(router, out _);

    /// <summary>Only the leader knows the state of the routers.</summary>
    public void EndTerm() => _states.Clear();

    public void CountWrite() => _writes.Inc();

    public void CountRestored() => _restored.Inc();

    public void CountFailure() => _failures.Inc();
}
