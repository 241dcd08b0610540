using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>What of the pod's namespace the facts are drawn from, as it was read.</summary>
public sealed record PodSnapshot
{
    /// <summary>All links.</summary>
    public ImmutableArray<Link> Links { get; init; } = [];

    /// <summary>The default routes of the main table, of both families.</summary>
    public ImmutableArray<RouteState> MainDefaults { get; init; } = [];

    /// <summary>The routes of the main table through a gateway, of both families, besides the default routes.</summary>
    public ImmutableArray<RouteState> MainGateways { get; init; } = [];

    /// <summary>The default routes in the return table of the attachment in question, in the main table's terms.</summary>
    public ImmutableArray<RouteState> ReturnDefaults { get; init; } = [];

    /// <summary>Every attachment that has an nf_tables table.</summary>
    public ImmutableArray<InstalledAttachment> Attachments { get; init; } = [];

    /// <summary>The addresses of all links.</summary>
    public ImmutableArray<LocalAddress> LocalAddresses { get; init; } = [];

    /// <summary>Whether the kernel has IPv6 at all.</summary>
    public bool HasIpv6 { get; init; }

    /// <summary>
    /// What the pod was before any attachment, and whether there are others: see <see cref="OriginalPodState"/>.
    /// </summary>
    /// <param name="names">The attachment in question, which may be there already or not.</param>
    /// <param name="readSysctl">The value of a kernel parameter, null where there is none.</param>
    /// <param name="clusterInterface">The cluster interface, where the configuration names it.</param>
    /// <param name="knownGateways">Gateways that plugins before this one told of.</param>
    public OriginalPodState Facts(
        AttachmentNames names, Func<Sysctl, int?> readSysctl, string? clusterInterface = null, IEnumerable<IPAddress>? knownGateways = null)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(readSysctl);
        // A table that remembers nothing at all was emptied by somebody: then the return table still tells.
        InstalledAttachment? own = Attachments.FirstOrDefault(
            attachment => attachment.Interface == names.Interface && attachment.Memory.ToLines().Any());
        InstalledAttachment[] others = Others(names);
        string[] egressLinks = [names.Interface, .. EgressLinks()];

        // What was remembered first holds: by whoever came first, the pod was still untouched.
        ImmutableArray<RouteState> Originals(AddressFamily family) => First(
            own is null ? ReturnDefaults : own.Memory.Defaults, others.SelectMany(other => other.Memory.Defaults),
                MainDefaults.Where(route => !egressLinks.Contains(route.Device)))(family);
        ImmutableArray<RouteState> originals = [.. Families.All.SelectMany(family => Originals(family))];

        string[] inside = [.. Links.Where(link => link.IsUp && link.Name != "lo" && !egressLinks.Contains(link.Name))
            .OrderBy(link => link.Index).Select(link => link.Name)];
        string? cluster = clusterInterface ?? originals.Select(route => route.Device).FirstOrDefault(device => device is not null)
            ?? inside.FirstOrDefault();

        // Once attached only the memory counts: routes that came later are not ours. Before, or where another interface is
        // named now: as another attachment found it, else by the widest route that is left on the cluster interface, else as a plugin told.
        bool IsByNamed(RouteState route) => clusterInterface is null || route.Device == clusterInterface;
        ImmutableArray<RouteState> StandIns(AddressFamily family) =>
            own is not null && own.Memory.ClusterInterface == clusterInterface ? First(own.Memory.Returns)(family) : First(
            others.SelectMany(other => other.Memory.Returns).Where(IsByNamed),
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
            // Writing "all" writes every link's, and "default": those that differ from it are remembered one by one.
            .. Links.Where(link => !egressLinks.Contains(link.Name)).Select(link => link.Name).Append("default")
                .SelectMany(link => new[] { Sysctl.Ipv4Forwarding(link), Sysctl.Ipv6Forwarding(link) }),
        ];
        int? Remembered(Sysctl sysctl) => others.Prepend(own).OfType<InstalledAttachment>()
            .Select(
                known => known.Memory.Sysctls.TryGetValue(sysctl, out int value) ? value : (int?)null)
                    .FirstOrDefault(value => value is not null);
        // What is not remembered of its own was as the kernel writes it with its switch.
        int? Original(Sysctl sysctl) => Remembered(sysctl)
            ?? (sysctl.Switch is Sysctl all && Remembered(all) is int value ? sysctl.WithSwitch(value) : (int?)null)
            ?? readSysctl(sysctl);
        return new OriginalPodState
        {
            ClusterInterface = cluster,
            InsideLinks = [.. inside],
            LocalAddresses = LocalAddresses.RemoveAll(local => local.Link == names.Interface),
            ClientLinks = [.. clientLinks],
            NodeAddresses = own?.Memory.NodeAddresses,
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

    /// <summary>What is to be put back when the attachment in question goes.</summary>
    /// <param name="names">The attachment.</param>
    /// <param name="known">What ADD found, where it undoes itself: a DEL at the same time may have taken the table away.</param>
    public SavedState ToRestore(AttachmentNames names, SavedState? known = null)
    {
        ArgumentNullException.ThrowIfNull(names);
        // Somebody flushed the ruleset, and the memory with it: the return table still tells what the default routes were.
        SavedState own = Attachments.FirstOrDefault(attachment => attachment.Interface == names.Interface)?.Memory
            ?? known ?? SavedState.None with { Defaults = ReturnDefaults };
        InstalledAttachment[] others = Others(names);

        ImmutableArray<RouteState> Defaults(AddressFamily family)
        {
            ImmutableArray<RouteState> originals = First(own.Defaults)(family);
            bool isTaken = MainDefaults.Any(
                route => route.Family == family && route.Device != names.Interface && !originals.Any(route.Matches));
            // Somebody else's default route stays. Another attachment of ours takes the place of this one; the pod's
            // own default route comes back when none is left.
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
            // Another attachment that needs a parameter remembers it as well, and puts it back when it goes.
            own.Sysctls.RemoveRange(others.SelectMany(other => other.Memory.Sysctls.Keys)));
    }

    /// <summary>Another attachment whose marks and tables have the same numbers; null, as a rule.</summary>
    public string? SameNumbersAs(AttachmentNames names) =>
        Others(names).Select(other => other.Interface).FirstOrDefault(other => new AttachmentNames(other).EgressTable == names.EgressTable);

    /// <summary>The other attachments. A table named like ours without its interface is none: anybody can make one.</summary>
    private InstalledAttachment[] Others(AttachmentNames names) =>
        [.. Attachments.Where(attachment => attachment.Interface != names.Interface && EgressLinks().Contains(attachment.Interface))];

    /// <summary>The greatest packet that goes by the route; null where its link is not there.</summary>
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
        // The gateway may be known to no route of the pod.
        IsOnlink = true,
    };

    private IEnumerable<string> EgressLinks() =>
        Links.Where(link => link.Group == AttachmentNames.LinkGroup).Select(link => link.Name);

    /// <summary>The routes of a family of the first source that has any.</summary>
    private static Func<AddressFamily, ImmutableArray<RouteState>> First(params IEnumerable<RouteState>?[] sources) => family =>
        sources.Select(
            source => (source ?? []).Where(route => route.Family == family).ToImmutableArray())
                .FirstOrDefault(routes => !routes.IsEmpty, []);
}

/// <summary>An attachment of ours that is in the pod.</summary>
/// <param name="Interface">Its egress interface's name.</param>
/// <param name="Memory">What it remembers to put back.</param>
/// <param name="EgressDefaults">The default routes by its egress interface, in the main table's terms.</param>
public sealed record InstalledAttachment(string Interface, SavedState Memory, ImmutableArray<RouteState> EgressDefaults);
