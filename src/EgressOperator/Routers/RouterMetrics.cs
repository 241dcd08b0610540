using Prometheus;

namespace EgressOperator.Routers;

/// <summary>The metrics of EgressRouters.</summary>
internal sealed class RouterMetrics
{
    private volatile Func<IReadOnlyList<WatchedRouter?>> _routers = () => [];

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
            IReadOnlyList<WatchedRouter?> all = _routers();
            routers.Set(all.Count);
            available.Set(all.Count(one => one?.Has(RouterConditions.Available) == true));
            degraded.Set(all.Count(one => one?.Has(RouterConditions.Degraded) == true));
        });
    }

    /// <summary>Only the leader counts.</summary>
    /// <param name="routers">Those that there are.</param>
    public void BeginTerm(Func<IReadOnlyList<WatchedRouter?>> routers) => _routers = routers;

    public void EndTerm() => _routers = () => [];

    public void CountWrite() => _writes.Inc();

    public void CountRestored() => _restored.Inc();

    public void CountFailure() => _failures.Inc();
}
