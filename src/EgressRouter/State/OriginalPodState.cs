using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace EgressRouter.State;

/// <summary>An address of the pod.</summary>
/// <param name="Address">The address.</param>
/// <param name="Link">The name of the link that has it.</param>
public sealed record LocalAddress(IPAddress Address, string Link);

/// <summary>
/// What the pod's namespace was before any egress attachment touched it, and whether there are other attachments now:
/// what the desired state depends on besides the configuration.
/// </summary>
public sealed record OriginalPodState
{
    /// <summary>
    /// The link by which clients reach the pod: that of its original default route, else its first link that is no
    /// loopback and no egress interface; null where there is none.
    /// </summary>
    public string? ClusterInterface { get; init; }

    /// <summary>The links by which replies go to far clients, and the cluster interface.</summary>
    public ImmutableArray<string> ClientLinks { get; init; } = [];

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

    /// <summary>
    /// By family, the greatest packet that reaches far clients, in bytes: the lowest MTU of the routes that replies take, and
    /// of their links. Nothing where there is no such route.
    /// </summary>
    public ImmutableDictionary<AddressFamily, int> ReturnMtus { get; init; } = ImmutableDictionary<AddressFamily, int>.Empty;

    /// <summary>
    /// The pod's links by which clients can come, in the order of their making: those that are up, and neither loopback nor egress.
    /// </summary>
    public ImmutableArray<string> InsideLinks { get; init; } = [];

    /// <summary>The addresses of the pod that are not those of the egress interface in question.</summary>
    public ImmutableArray<LocalAddress> LocalAddresses { get; init; } = [];

    /// <summary>The kernel parameters that an attachment changes, with the values that they had.</summary>
    public ImmutableSortedDictionary<Sysctl, int> OriginalSysctls { get; init; } = ImmutableSortedDictionary<Sysctl, int>.Empty;

    /// <summary>The families whose default route is another egress interface's.</summary>
    public ImmutableArray<AddressFamily> DefaultsOfOthers { get; init; } = [];

    /// <summary>Whether the kernel has IPv6 at all.</summary>
    public bool HasIpv6 { get; init; }
}
