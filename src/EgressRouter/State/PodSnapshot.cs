using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>The pod's namespace as read, from which <see cref="PodFacts"/> is derived.</summary>
public sealed record PodSnapshot
{
    /// <summary>All links.</summary>
    public ImmutableArray<Link> Links { get; init; } = [];

    /// <summary>The default routes of the main table, of both families.</summary>
    public ImmutableArray<RouteState> MainDefaults { get; init; } = [];

    /// <summary>The main table's routes through a gateway, of both families, without the default routes.</summary>
    public ImmutableArray<RouteState> MainGateways { get; init; } = [];

    /// <summary>The default routes in this attachment's return table, as main-table routes.</summary>
    public ImmutableArray<RouteState> ReturnDefaults { get; init; } = [];

    /// <summary>All attachments that have an nf_tables table.</summary>
    public ImmutableArray<InstalledAttachment> Attachments { get; init; } = [];

    /// <summary>The addresses of all links.</summary>
    public ImmutableArray<LocalAddress> LocalAddresses { get; init; } = [];

    /// <summary>Whether the kernel supports IPv6.</summary>
    public bool HasIpv6 { get; init; }

    /// <summary>The pod's state before any attachment, and facts about other attachments.</summary>
    /// <param name="names">This attachment, which may exist already.</param>
    /// <param name="readSysctl">Returns the value of a sysctl, or null if there is none.</param>
    /// <param name="clusterInterface">The configured cluster interface, or null.</param>
    /// <param name="knownGateways">Gateways in the results of earlier plugins.</param>
    public PodFacts Facts(
        AttachmentNames names, Func<Sysctl, int?> readSysctl, string? clusterInterface = null, IEnumerable<IPAddress>? knownGateways = null)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(readSysctl);
        // A table without saved state was emptied by another program; the return table still has the default routes.
        InstalledAttachment? own = Attachments.FirstOrDefault(
            attachment => attachment.Interface == names.Interface && attachment.Saved.ToLines().Any());
        InstalledAttachment[] others = Others(names);
        string[] egressLinks = [names.Interface, .. EgressLinks()];

        // Saved routes take precedence: the first attachment saved them while the pod was unmodified.
        ImmutableArray<RouteState> Originals(AddressFamily family) => First(
            own is null ? ReturnDefaults : own.Saved.Defaults, others.SelectMany(other => other.Saved.Defaults),
                MainDefaults.Where(route => !egressLinks.Contains(route.Device)))(family);
        ImmutableArray<RouteState> originals = [.. Families.All.SelectMany(family => Originals(family))];

        string[] inside = [.. Links.Where(link => link.IsUp && link.Name != "lo" && !egressLinks.Contains(link.Name))
            .OrderBy(link => link.Index).Select(link => link.Name)];
        string? cluster = clusterInterface ?? originals.Select(route => route.Device).FirstOrDefault(device => device is not null)
            ?? inside.FirstOrDefault();

        // Once attached, only the saved state counts: later routes are foreign. Before ADD, or if clusterInterface changed: another
        // attachment's saved routes, else the shortest prefix with a gateway on the cluster interface, else an earlier plugin's gateway.
        bool IsByNamed(RouteState route) => clusterInterface is null || route.Device == clusterInterface;
        ImmutableArray<RouteState> StandIns(AddressFamily family) =>
            own is not null && own.Saved.ClusterInterface == clusterInterface ? First(own.Saved.Returns)(family) : First(
            others.SelectMany(other => other.Saved.Returns).Where(IsByNamed),
            MainGateways.Where(
                route => route.Device == cluster && route.Family == family).OrderBy(route => route.PrefixLength).Take(1).Select(AsDefault),
            (knownGateways ?? []).Where(gateway => cluster is not null && gateway.AddressFamily == family).Take(1)
                .Select(gateway => DefaultBy(gateway, cluster!)))(family);
        ImmutableArray<RouteState> returns = [.. Families.All.SelectMany(family => First(originals.Where(IsByNamed),
            StandIns(family))(family))];
        string[] clientLinks = [.. returns.Select(route => route.Device).Append(cluster).OfType<string>().Distinct()];
        Sysctl[] sysctls =
        [
            Sysctl.Ipv4AllForwarding,
            Sysctl.AcceptIpv4Redirects,
            Sysctl.Ipv6AllForwarding,
            Sysctl.AllReversePathFilter,
            .. clientLinks.Select(Sysctl.ReversePathFilter),
            .. originals.Concat(returns).Select(route => route.Device).OfType<string>().Distinct()
                .SelectMany(link => new[] { Sysctl.AcceptAdvertisements(link), Sysctl.AcceptAdvertisedDefault(link) }),
            // Writing "all" sets every link's value and "default", so each value that differs is saved.
            .. Links.Where(link => !egressLinks.Contains(link.Name)).Select(link => link.Name).Append("default")
                .SelectMany(link => new[] { Sysctl.Ipv4Forwarding(link), Sysctl.Ipv6Forwarding(link) }),
        ];
        int? SavedValue(Sysctl sysctl) => others.Prepend(own).OfType<InstalledAttachment>()
            .Select(
                known => known.Saved.Sysctls.TryGetValue(sysctl, out int value) ? value : (int?)null)
                    .FirstOrDefault(value => value is not null);
        // A value that was not saved equals the one that the kernel sets with its "all" parameter.
        int? Original(Sysctl sysctl) => SavedValue(sysctl)
            ?? (sysctl.AllLinksSysctl is Sysctl all && SavedValue(all) is int value ? sysctl.ValueSetBy(value) : (int?)null)
            ?? readSysctl(sysctl);
        return new PodFacts
        {
            ClusterInterface = cluster,
            InsideLinks = [.. inside],
            LocalAddresses = LocalAddresses.RemoveAll(local => local.Link == names.Interface),
            ClientLinks = [.. clientLinks],
            NodeAddresses = own?.Saved.NodeAddresses,
            OriginalDefaults = originals,
            ReturnRoutes = returns,
            ReturnMtus = returns.Where(route => MtuOf(route) is not null).GroupBy(route => route.Family)
                .ToImmutableDictionary(routes => routes.Key, routes => routes.Min(route => MtuOf(route)!.Value)),
            OriginalSysctls = sysctls.Select(sysctl => (sysctl, value: Original(sysctl))).Where(pair => pair.value is not null)
                .ToImmutableSortedDictionary(pair => pair.sysctl, pair => pair.value!.Value),
            DefaultsOfOthers = [.. MainDefaults.Where(route => route.Device != names.Interface && EgressLinks().Contains(route.Device))
                .Select(route => route.Family).Distinct()],
            HasIpv6 = HasIpv6,
        };
    }

    /// <summary>The state to restore when the attachment is removed.</summary>
    /// <param name="names">The attachment.</param>
    /// <param name="known">The state that ADD found, if ADD rolls back: a concurrent DEL may have deleted the table.</param>
    public SavedState ToRestore(AttachmentNames names, SavedState? known = null)
    {
        ArgumentNullException.ThrowIfNull(names);
        // A flush of the ruleset deletes the saved state too; the return table still has the default routes.
        SavedState own = Attachments.FirstOrDefault(attachment => attachment.Interface == names.Interface)?.Saved
            ?? known ?? SavedState.None with { Defaults = ReturnDefaults };
        InstalledAttachment[] others = Others(names);

        ImmutableArray<RouteState> Defaults(AddressFamily family)
        {
            ImmutableArray<RouteState> originals = First(own.Defaults)(family);
            bool isTaken = MainDefaults.Any(
                route => route.Family == family && route.Device != names.Interface && !originals.Any(route.Matches));
            // A foreign default route stays. Otherwise another attachment's default route replaces this one's; the pod's own is restored
            // with the last attachment.
            IEnumerable<IEnumerable<RouteState>> ofOthers = others.Select(other =>
                other.EgressDefaults.Where(route => route.Family == family).Take(1).SelectMany(StateBuilder.ByGateway));
            return isTaken ? [] : First([.. ofOthers, originals])(family);
        }

        return new SavedState(
            [.. Families.All.SelectMany(family => Defaults(family))],
            Returns: [],
            NodeAddresses: [],
            own.Owner,
            own.ClusterInterface,
            // Another attachment that needs a parameter has saved it too, and restores it on its own DEL.
            own.Sysctls.RemoveRange(others.SelectMany(other => other.Saved.Sysctls.Keys)));
    }

    /// <summary>The interface of another attachment whose marks and table numbers collide with these, or null if there is none.</summary>
    public string? SameNumbersAs(AttachmentNames names) =>
        Others(names).Select(other => other.Interface).FirstOrDefault(other => new AttachmentNames(other).EgressTable == names.EgressTable);

    /// <summary>The other attachments. A table without its egress interface does not count: anyone in the pod can create one.</summary>
    private InstalledAttachment[] Others(AttachmentNames names) =>
        [.. Attachments.Where(attachment => attachment.Interface != names.Interface && EgressLinks().Contains(attachment.Interface))];

    /// <summary>The route's MTU in bytes, or null if its link does not exist.</summary>
    private int? MtuOf(RouteState route)
    {
        Link? link = Links.FirstOrDefault(link => link.Name == route.Device);
        int? ofFamily = route.Family == AddressFamily.InterNetworkV6 ? link?.Sysctls.Ipv6("mtu") : null;
        return link is null ? null : new[] { link.Mtu, ofFamily ?? link.Mtu, route.Mtu ?? link.Mtu }.Min();
    }

    private static RouteState AsDefault(RouteState route) => route with { Destination = route.Family.Any(), PrefixLength = 0 };

    private static RouteState DefaultBy(IPAddress gateway, string device) => new()
    {
        Family = gateway.AddressFamily,
        Destination = gateway.AddressFamily.Any(),
        Gateway = gateway,
        Device = device,
        Metric = gateway.AddressFamily == AddressFamily.InterNetwork ? 0 : RouteState.DefaultIpv6Metric,
        // Possibly no route of the pod covers the gateway.
        IsOnlink = true,
    };

    private IEnumerable<string> EgressLinks() =>
        Links.Where(link => link.Group == AttachmentNames.LinkGroup).Select(link => link.Name);

    /// <summary>The routes of a family from the first source that has any.</summary>
    private static Func<AddressFamily, ImmutableArray<RouteState>> First(params IEnumerable<RouteState>?[] sources) => family =>
        sources.Select(
            source => (source ?? []).Where(route => route.Family == family).ToImmutableArray())
                .FirstOrDefault(routes => !routes.IsEmpty, []);
}

/// <summary>An attachment that exists in the pod.</summary>
/// <param name="Interface">The name of its egress interface.</param>
/// <param name="Saved">Its saved state.</param>
/// <param name="EgressDefaults">The default routes through its egress interface, as main-table routes.</param>
public sealed record InstalledAttachment(string Interface, SavedState Saved, ImmutableArray<RouteState> EgressDefaults);
