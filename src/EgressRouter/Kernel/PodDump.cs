using System.Collections.Immutable;
using System.Globalization;
using System.Net.Sockets;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>What of the pod's namespace is read at once, by a handful of messages, and concerns attachments.</summary>
/// <param name="Links">All links, with their kernel parameters.</param>
/// <param name="Sysctls">The kernel parameters that are of no link.</param>
/// <param name="Routes">
/// Routes of both families: to local addresses, default routes, those by gateways in the main table, those by egress interfaces,
/// and those in tables such as attachments have.
/// </param>
/// <param name="Rules">The routing rules of both families that look such a table up, or at our bits of marks, or at a source.</param>
/// <param name="Tables">The names of the nf_tables tables of attachments.</param>
public sealed record PodDump(
    IReadOnlyList<Link> Links, NamespaceSysctls Sysctls, ImmutableArray<RouteState> Routes, IReadOnlyList<RoutingRule> Rules,
    IReadOnlyList<string> Tables)
{
    private readonly Dictionary<string, LinkSysctls> _ofLinks = Links.DistinctBy(link => link.Name)
        .ToDictionary(link => link.Name, link => link.Sysctls);

    /// <summary>The egress interfaces of which there is a table.</summary>
    public IEnumerable<string> AttachedInterfaces => Tables.Select(AttachmentNames.InterfaceOfTable).OfType<string>();

    /// <summary>The default routes of a table, in the main table's terms.</summary>
    public ImmutableArray<RouteState> DefaultsOf(uint table) =>
        [.. Routes.Where(route => route.Table == table && route.IsDefault).Select(route => route with { Table = Route.MainTable })];

    /// <summary>The values of those kernel parameters that the pod has.</summary>
    /// <param name="sysctls">Those in question.</param>
    public ImmutableSortedDictionary<Sysctl, int> ReadSysctls(IEnumerable<Sysctl> sysctls) =>
        sysctls.Select(sysctl => (sysctl, value: ReadSysctl(sysctl))).Where(pair => pair.value is not null)
            .ToImmutableSortedDictionary(pair => pair.sysctl, pair => pair.value!.Value);

    /// <summary>The value of a kernel parameter that the desired state has or changes; null where the pod has none of this name.</summary>
    /// <param name="sysctl">The parameter.</param>
    public int? ReadSysctl(Sysctl sysctl) => sysctl switch
    {
        // No message tells it.
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
