using System.Collections.Immutable;
using System.Globalization;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>What of the pod's namespace is read at once, by a handful of messages, and concerns attachments.</summary>
/// <param name="Links">All links, with their kernel parameters.</param>
/// <param name="Parameters">The kernel parameters that are of no link.</param>
/// <param name="Routes">
/// Routes of both families: to local addresses, default routes, those by gateways in the main table, those by egress interfaces,
/// and those in tables such as attachments have.
/// </param>
/// <param name="Rules">The routing rules of both families that look such a table up, or at our bits of marks, or at a source.</param>
/// <param name="Tables">The names of the nf_tables tables of attachments.</param>
public sealed record PodReading(
    IReadOnlyList<Link> Links, NamespaceParameters Parameters, ImmutableArray<RouteState> Routes, IReadOnlyList<RoutingRule> Rules, IReadOnlyList<string> Tables)
{
    private readonly Dictionary<string, LinkParameters> _parameters = Links.DistinctBy(link => link.Name).ToDictionary(link => link.Name, link => link.Parameters);

    /// <summary>The egress interfaces of which there is a table.</summary>
    public IEnumerable<string> AttachedInterfaces => Tables.Select(AttachmentNames.InterfaceOfTable).OfType<string>();

    /// <summary>The default routes of a table, in the main table's terms.</summary>
    public ImmutableArray<RouteState> DefaultsOf(uint table) =>
        [.. Routes.Where(route => route.Table == table && route.IsDefault).Select(route => route with { Table = Route.MainTable })];

    /// <summary>The values of those kernel parameters that the pod has.</summary>
    /// <param name="paths">Below /proc/sys.</param>
    public ImmutableSortedDictionary<string, string> ReadSysctls(IEnumerable<string> paths) =>
        paths.Select(path => (path, value: ReadSysctl(path))).Where(pair => pair.value is not null)
            .ToImmutableSortedDictionary(pair => pair.path, pair => pair.value!, StringComparer.Ordinal);

    /// <summary>The value of a kernel parameter that the desired state has or changes; null where the pod has none of this name.</summary>
    /// <param name="path">Below /proc/sys: <c>net/ipv4/conf/LINK/NAME</c> or <c>net/ipv6/conf/LINK/NAME</c>.</param>
    public string? ReadSysctl(string path)
    {
        if (path == Sysctl.AcceptIpv4Redirects)
        {
            // No message tells it.
            return KernelParameters.Read(path);
        }

        (bool isIpv4, string link, string name) = Sysctl.Parse(path);
        int? value = (isIpv4, link, name) switch
        {
            (true, "all", "forwarding") => Parameters.Ipv4AllForwarding,
            (true, "default", "forwarding") => Parameters.Ipv4DefaultForwarding,
            (true, "all", "rp_filter") => Parameters.Ipv4AllReversePathFilter,
            (false, "all", "forwarding") => Parameters.Ipv6AllForwarding,
            (false, "default", "forwarding") => Parameters.Ipv6DefaultForwarding,
            _ when _parameters.GetValueOrDefault(link) is LinkParameters own => isIpv4 ? own.Ipv4(name) : own.Ipv6(name),
            _ => null,
        };
        return value?.ToString(CultureInfo.InvariantCulture);
    }
}
