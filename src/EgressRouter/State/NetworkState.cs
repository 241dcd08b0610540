using System.Collections.Immutable;
using System.Net;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>
/// All that one attachment is in the kernel: what the configuration wants, or what the pod's namespace has. Both are
/// of this one type, so that one comparison (<see cref="Difference.Between"/>) serves every command.
/// </summary>
public sealed record NetworkState
{
    /// <summary>An attachment that is not there, in a pod that was never touched.</summary>
    public static NetworkState Absent { get; } = new();

    /// <summary>The egress interface; null if there is none.</summary>
    public LinkState? Link { get; init; }

    /// <summary>The addresses of the egress interface, without the kernel's own link-local ones.</summary>
    public ImmutableArray<AddressState> Addresses { get; init; } = [];

    /// <summary>
    /// All routes of the attachment's two tables; of the main table the default routes and those of the egress interface.
    /// </summary>
    public ImmutableArray<RouteState> Routes { get; init; } = [];

    /// <summary>The attachment's routing rules.</summary>
    public ImmutableArray<RoutingRule> Rules { get; init; } = [];

    /// <summary>The attachment's nf_tables table; null if there is none.</summary>
    public Table? Table { get; init; }

    /// <summary>Values of kernel parameters.</summary>
    public ImmutableSortedDictionary<Sysctl, int> Sysctls { get; init; } = ImmutableSortedDictionary<Sysctl, int>.Empty;

    /// <summary>Others who have the addresses too; empty where nobody was asked.</summary>
    public ImmutableArray<AddressConflict> Conflicts { get; init; } = [];

    /// <summary>Whether nothing of the attachment is there. Kernel parameters are the pod's, and do not count.</summary>
    public bool IsAbsent => Link is null && Table is null && Rules.IsEmpty && Routes.All(route => route.Table == Route.MainTable);
}

/// <summary>The egress interface.</summary>
/// <param name="Name">Its name in the pod.</param>
/// <param name="Kind">What kind of link it is; null for a physical one.</param>
/// <param name="Parent">Its parent on the node; null for a link that has none there.</param>
/// <param name="Settings">What is set of it. In a desired state null stands for any.</param>
public sealed record LinkState(string Name, LinkKind? Kind, ParentLink? Parent, LinkSettings Settings);

/// <summary>The node's link under the egress interface. The pod's namespace knows its index; its name is for people.</summary>
/// <param name="Index">Its index on the node.</param>
/// <param name="Name">Its name there; null where nobody looked.</param>
public sealed record ParentLink(int Index, string? Name)
{
    /// <summary>Whether it is the same link, whatever it is called.</summary>
    public bool Equals(ParentLink? other) => other?.Index == Index;

    /// <inheritdoc/>
    public override int GetHashCode() => Index;

    /// <inheritdoc/>
    public override string ToString() => Name ?? $"the link of index {Index}";
}

/// <summary>An address of the egress interface.</summary>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">In bits.</param>
/// <param name="DuplicateFound">Whether the kernel found another holder of it (IFA_F_DADFAILED).</param>
public sealed record AddressState(IPAddress Address, int PrefixLength, bool DuplicateFound = false)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{PrefixLength}";
}
