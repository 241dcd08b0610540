using System.Collections.Immutable;
using System.Net;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>
/// All kernel objects of one attachment: either desired by the configuration or observed in the pod's namespace. Both are of one
/// type, so that <see cref="Difference.Between"/> serves every command.
/// </summary>
public sealed record NetworkState
{
    /// <summary>No attachment, in an unmodified pod.</summary>
    public static NetworkState Absent { get; } = new();

    /// <summary>The egress interface, or null if there is none.</summary>
    public LinkState? Link { get; init; }

    /// <summary>The addresses of the egress interface, without link-local addresses that the kernel assigned.</summary>
    public ImmutableArray<AddressState> Addresses { get; init; } = [];

    /// <summary>
    /// Desired: the addresses that the interface may have or not, with high availability. Their prefix length and lifetime do not matter.
    /// </summary>
    public ImmutableArray<AddressState> Shared { get; init; } = [];

    /// <summary>
    /// All routes of the attachment's two tables; of the main table, the default routes and those of the egress interface.
    /// </summary>
    public ImmutableArray<RouteState> Routes { get; init; } = [];

    /// <summary>The attachment's routing rules.</summary>
    public ImmutableArray<RoutingRule> Rules { get; init; } = [];

    /// <summary>The attachment's nf_tables table, or null if there is none.</summary>
    public Table? Table { get; init; }

    /// <summary>Values of sysctls.</summary>
    public ImmutableSortedDictionary<Sysctl, int> Sysctls { get; init; } = ImmutableSortedDictionary<Sysctl, int>.Empty;

    /// <summary>Other hosts with the same addresses; empty without conflict detection.</summary>
    public ImmutableArray<AddressConflict> Conflicts { get; init; } = [];

    /// <summary>Whether the interface has an address that the kernel uses: one that duplicate address detection refused is none.</summary>
    public bool Has(IPAddress address) => Addresses.Any(own => own.Address.Equals(address) && !own.DuplicateFound);

    /// <summary>Whether no object of the attachment exists. Kernel parameters belong to the pod and do not count.</summary>
    public bool IsAbsent => Link is null && Table is null && Rules.IsEmpty && Routes.All(route => route.Table == Route.MainTable);
}

/// <summary>The egress interface.</summary>
/// <param name="Name">Its name in the pod.</param>
/// <param name="Kind">The link kind, or null for a physical link.</param>
/// <param name="Parent">The parent link on the node, or null if there is none.</param>
/// <param name="Settings">The link settings. In a desired state, null means any value.</param>
public sealed record LinkState(string Name, LinkKind? Kind, ParentLink? Parent, LinkSettings Settings);

/// <summary>The node's parent link of the egress interface. The kernel knows its index; the name is for messages.</summary>
/// <param name="Index">The link index on the node.</param>
/// <param name="Name">The link name on the node, or null if it was not resolved.</param>
public sealed record ParentLink(int Index, string? Name)
{
    /// <summary>Compares the index only.</summary>
    public bool Equals(ParentLink? other) => other?.Index == Index;

    /// <inheritdoc/>
    public override int GetHashCode() => Index;

    /// <inheritdoc/>
    public override string ToString() => Name ?? $"the link of index {Index}";
}

/// <summary>An address of the egress interface.</summary>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">The prefix length in bits.</param>
/// <param name="DuplicateFound">Whether the kernel found another holder of the address (IFA_F_DADFAILED).</param>
public sealed record AddressState(IPAddress Address, int PrefixLength, bool DuplicateFound = false)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{PrefixLength}";
}
