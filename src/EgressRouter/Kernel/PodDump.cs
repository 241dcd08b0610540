using System.Collections.Immutable;
using System.Globalization;
using System.Net.Sockets;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>The part of the pod's namespace that concerns attachments, read with a few dumps.</summary>
/// <param name="Links">All links, with their sysctls.</param>
/// <param name="Sysctls">The sysctls that belong to no link.</param>
/// <param name="Routes">
/// Routes of both families: to local addresses, default routes, routes through gateways in the main table, routes through egress
/// interfaces, and those in tables with an attachment's number.
/// </param>
/// <param name="Rules">The routing rules of both families with such a table, the attachments' mark bits, or a source.</param>
/// <param name="Tables">The names of the nf_tables tables of attachments.</param>
public sealed record PodDump(
    IReadOnlyList<Link> Links, NamespaceSysctls Sysctls, ImmutableArray<RouteState> Routes, IReadOnlyList<RoutingRule> Rules,
    IReadOnlyList<string> Tables)
{
    private readonly Dictionary<string, LinkSysctls> _ofLinks = Links.DistinctBy(link => link.Name)
        .ToDictionary(link => link.Name, link => link.Sysctls);

    /// <summary>The egress interfaces that have an nf_tables table.</summary>
    public IEnumerable<string> AttachedInterfaces => Tables.Select(AttachmentNames.InterfaceOfTable).OfType<string>();

    /// <summary>The default routes of a table, as main-table routes.</summary>
    public ImmutableArray<RouteState> DefaultsOf(uint table) =>
        [.. Routes.Where(route => route.Table == table && route.IsDefault).Select(route => route with { Table = Route.MainTable })];

    /// <summary>The values of those sysctls that exist in the pod.</summary>
    /// <param name="sysctls">The parameters to read.</param>
    public ImmutableSortedDictionary<Sysctl, int> ReadSysctls(IEnumerable<Sysctl> sysctls) =>
        sysctls.Select(sysctl => (sysctl, value: ReadSysctl(sysctl))).Where(pair => pair.value is not null)
            .ToImmutableSortedDictionary(pair => pair.sysctl, pair => pair.value!.Value);

    /// <summary>The value of a sysctl that the desired state has or changes, or null if it does not exist in the pod.</summary>
    public int? ReadSysctl(Sysctl sysctl) => sysctl switch
    {
        // rtnetlink does not report this one.
        _ when sysctl == Sysctl.AcceptIpv4Redirects =>
            int.TryParse(SysctlFile.Read($"{sysctl}"), CultureInfo.InvariantCulture, out int value) ? value : null,
        (AddressFamily.InterNetwork, "all", "forwarding") => Sysctls.Ipv4AllForwarding,
        (AddressFamily.InterNetwork, "default", "forwarding") => Sysctls.Ipv4DefaultForwarding,
        (AddressFamily.InterNetwork, "all", "rp_filter") => Sysctls.Ipv4AllReversePathFilter,
        (AddressFamily.InterNetworkV6, "all", "forwarding") => Sysctls.Ipv6AllForwarding,
        (AddressFamily.InterNetworkV6, "default", "forwarding") => Sysctls.Ipv6DefaultForwarding,
        _ when _ofLinks.GetValueOrDefault(sysctl.Link) is LinkSysctls own =>
            sysctl.Family == AddressFamily.InterNetwork ? own.Ipv4(sysctl.Name) : own.Ipv6(sysctl.Name),
        _ => null,
    };
}
