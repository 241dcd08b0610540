using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace EgressRouter.State;

/// <summary>
/// What the pod's namespace was before any egress attachment touched it, and whether there are other attachments now:
/// what the desired state depends on besides the configuration.
/// </summary>
public sealed record PodFacts
{
    /// <summary>
    /// The link by which clients reach the pod: that of its original default route, else its first link that is no
    /// loopback and no egress interface; null where there is none.
    /// </summary>
    public string? ClusterInterface { get; init; }

    /// <summary>The MTU of the cluster interface, in bytes.</summary>
    public int? ClusterMtu { get; init; }

    /// <summary>
    /// The node's addresses as ADD found them; null before. What the node gets or loses later is no fault of the pod.
    /// </summary>
    public ImmutableArray<IPAddress>? NodeAddresses { get; init; }

    /// <summary>The default routes that the pod had, of both families, in the main table.</summary>
    public ImmutableArray<RouteState> OriginalDefaults { get; init; } = [];

    /// <summary>
    /// The routes by which replies go back to clients, in the main table's terms: the original default routes, or for a
    /// family that had none (Multus takes it away before ADD) one by a gateway that is known on the cluster interface.
    /// </summary>
    public ImmutableArray<RouteState> ReturnRoutes { get; init; } = [];

    /// <summary>The kernel parameters that an attachment changes, by path, with the values that they had.</summary>
    public ImmutableSortedDictionary<string, string> OriginalSysctls { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The families whose default route is another egress interface's.</summary>
    public ImmutableArray<AddressFamily> DefaultsOfOthers { get; init; } = [];

    /// <summary>Whether the kernel has IPv6 at all.</summary>
    public bool HasIpv6 { get; init; }
}
