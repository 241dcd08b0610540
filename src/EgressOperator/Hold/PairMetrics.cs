using Prometheus;

namespace EgressOperator.Hold;

/// <summary>The metrics of a pod of a pair.</summary>
internal sealed class PairMetrics
{
    private readonly Gauge _holding;

    private readonly Counter _takeovers;

    private readonly Counter _losses;

    private readonly Counter _given;

    private readonly Counter _received;

    private readonly Counter _conflicts;

    private readonly Counter _slices;

    private readonly Counter _rejected;

    public PairMetrics()
    {
        MetricFactory make = Metrics.WithCustomRegistry(Registry);
        _holding = make.CreateGauge("egress_pair_holding", "Whether this pod holds the shared addresses.");
        _takeovers = make.CreateCounter("egress_pair_takeovers_total", "How often this pod has taken the shared addresses.");
        _losses = make.CreateCounter("egress_pair_losses_total", "How often this pod has let them go, by reason.", "reason");
        Gauge age = make.CreateGauge(
            "egress_pair_renewal_age_seconds", "The time since this pod renewed the Lease; 0 if it has not got it.");
        Gauge healthy = make.CreateGauge("egress_pair_link_healthy", "Whether this pod reaches the egress network.");
        Gauge away = make.CreateGauge("egress_pair_api_away", "Whether the last request to the API server failed.");
        _given = make.CreateCounter("egress_pair_promises_given_total", "Promises to the peer not to take the addresses.");
        _received = make.CreateCounter("egress_pair_promises_received_total", "Promises of the peer.");
        _conflicts = make.CreateCounter("egress_pair_probe_conflicts_total", "Probes that found a shared address at another machine.");
        _slices = make.CreateCounter("egress_pair_endpoint_writes_total", "EndpointSlices that this pod has written.");
        _rejected = make.CreateCounter("egress_pair_rejected_messages_total", "Datagrams that are not of a pod with the key.");
        Gauge answer = make.CreateGauge("egress_pair_answer_age_seconds", "The time since the other pod answered.");
        Gauge others = make.CreateGauge("egress_pair_other_pods", "Other pods of the selector: one, for promises to count.");
        Gauge endpoint = make.CreateGauge(
            "egress_pair_endpoints_written", "Whether this pod holds the addresses and has written the EndpointSlices.");
        Registry.AddBeforeCollectCallback(() =>
        {
            (TimeSpan? renewal, bool isHealthy, bool isAway, TimeSpan answerAge, int otherPods, bool isEndpoint) = Look();
            endpoint.Set(isEndpoint ? 1 : 0);
            answer.Set(answerAge.TotalSeconds);
            others.Set(otherPods);
            age.Set(renewal?.TotalSeconds ?? 0);
            healthy.Set(isHealthy ? 1 : 0);
            away.Set(isAway ? 1 : 0);
        });
    }

    public CollectorRegistry Registry { get; } = Metrics.NewCustomRegistry();

    /// <summary>What is asked for when the metrics are read.</summary>
    public Func<(TimeSpan? RenewalAge, bool IsLinkHealthy, bool IsApiAway, TimeSpan AnswerAge, int Others, bool IsEndpoint)> Look
    {
        get; set;
    } = () => (null, true, false, TimeSpan.Zero, 0, false);

    public void Taken()
    {
        _takeovers.Inc();
        _holding.Set(1);
    }

    public void Lost(string reason)
    {
        _losses.WithLabels(reason).Inc();
        _holding.Set(0);
    }

    public void Promised() => _given.Inc();

    public void GotPromise() => _received.Inc();

    public void Conflicting(int addresses) => _conflicts.Inc(addresses);

    public void Rejected() => _rejected.Inc();

    public void WroteSlice() => _slices.Inc();
}
