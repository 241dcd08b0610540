using System.Collections.Immutable;
using System.Net;
using Kubernetes;
using Netlink;
using Serilog;

namespace EgressOperator.Hold;

/// <summary>What the parts of a pod's holder share.</summary>
/// <param name="Name">The name of the Lease, and what the names of the EndpointSlices begin with.</param>
/// <param name="Network">The network namespace of the pod.</param>
/// <param name="Interface">The link in the egress network.</param>
internal sealed record HoldContext(
    IKubernetesApi Api,
    string Namespace,
    string Name,
    string Service,
    string Pod,
    TimeSpan Lease,
    NetNamespace Network,
    string Interface,
    ImmutableArray<SharedAddress> Addresses,
    ImmutableArray<IPAddress> Gateways,
    PairMetrics Metrics,
    ILogger Log,
    TimeProvider Clock)
{
    public PairTiming Timing { get; } = PairTiming.Of(Lease);

    /// <summary>The time by this pod's clock.</summary>
    public TimeSpan Now => Clock.GetElapsedTime(0);
}

/// <summary>An address that the pods of a pair share.</summary>
internal sealed record SharedAddress(IPAddress Address, int PrefixLength);
