using Kubernetes;
using Serilog;

namespace EgressOperator.Controller;

/// <summary>What the parts of the controller share.</summary>
internal sealed record ControllerContext(
    IKubernetesApi Api, ClusterCache Cache, EventRecorder Events, ControllerMetrics Metrics, ILogger Log, TimeProvider Clock);
