using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace EgressRouter.State;

/// <summary>An address of the pod.</summary>
/// <param name="Address">The address.</param>
/// <param name="Link">The name of the link that has it.</param>
public sealed record LocalAddress(IPAddress Address, string Link);

/// <summary>
/// The state of the pod's namespace before any attachment changed it, and facts about other attachments: the input to the
/// desired state besides the configuration.
/// </summary>
public sealed record PodFacts
{
    /// <summary>
    /// The link that clients use to reach the pod: that of its original default route, else its first link that is neither loopback
    /// nor an egress interface; null if there is none.
    /// </summary>
    public string? ClusterInterface { get; init; }

    /// <summary>The links that carry replies to clients outside the pod's subnets, and the cluster interface.</summary>
    public ImmutableArray<string> ClientLinks { get; init; } = [];

    /// <summary>
    /// The node's addresses that ADD found, or null before ADD. Later changes on the node are not the pod's fault.
    /// </summary>
    public ImmutableArray<IPAddress>? NodeAddresses { get; init; }

    /// <summary>The pod's original default routes in the main table, of both families.</summary>
    public ImmutableArray<RouteState> OriginalDefaults { get; init; } = [];

    /// <summary>
    /// The routes for replies to clients, as main-table routes: the original default routes or, for a family without one (Multus
    /// removes it before ADD), one through a known gateway on the cluster interface.
    /// </summary>
    public ImmutableArray<RouteState> ReturnRoutes { get; init; } = [];

    /// <summary>
    /// The path MTU to clients outside the pod's subnets, in bytes, by family: the lowest MTU of the reply routes and their links. No
    /// entry for a family without such a route.
    /// </summary>
    public ImmutableDictionary<AddressFamily, int> ReturnMtus { get; init; } = ImmutableDictionary<AddressFamily, int>.Empty;

    /// <summary>
    /// The pod's links that may receive client traffic, in order of creation: up, and neither loopback nor an egress interface.
    /// </summary>
    public ImmutableArray<string> InsideLinks { get; init; } = [];

    /// <summary>The pod's addresses, without those of this attachment's egress interface.</summary>
    public ImmutableArray<LocalAddress> LocalAddresses { get; init; } = [];

    /// <summary>The original values of the sysctls that an attachment changes.</summary>
    public ImmutableSortedDictionary<Sysctl, int> OriginalSysctls { get; init; } = ImmutableSortedDictionary<Sysctl, int>.Empty;

    /// <summary>The families whose default route belongs to another egress interface.</summary>
    public ImmutableArray<AddressFamily> DefaultsOfOthers { get; init; } = [];

    /// <summary>Whether the kernel supports IPv6.</summary>
    public bool HasIpv6 { get; init; }
}
