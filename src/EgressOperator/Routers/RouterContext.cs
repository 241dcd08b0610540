using Kubernetes;
using Serilog;

namespace EgressOperator.Routers;

/// <summary>What serving EgressRouters needs.</summary>
internal sealed record RouterContext(
    IKubernetesApi Api, RouterCache Cache, EventRecorder Events, RouterMetrics Metrics, ILogger Log, TimeProvider Clock);
