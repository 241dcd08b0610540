using EgressRouter.Tools.Audit;
using Prometheus;

namespace EgressOperator.Agent.Audit;

/// <summary>The numbers of the audit log.</summary>
internal static class AuditMetrics
{
    public static void Add(CollectorRegistry registry, AuditLog log)
    {
        MetricFactory make = Metrics.WithCustomRegistry(registry);
        Counter lines = make.CreateCounter("egress_agent_audit_lines_total", "Lines of the audit log.");
        Counter lost = make.CreateCounter(
            "egress_agent_audit_lost_total", "Events of connections that have no line in the audit log, by reason.", "reason");
        registry.AddBeforeCollectCallback(() =>
        {
            lines.IncTo(log.Lines);
            foreach (AuditLoss reason in Enum.GetValues<AuditLoss>())
            {
                lost.WithLabels(AuditLog.Reasons[(int)reason]).IncTo(log.Lost(reason));
            }
        });
    }
}
