using System.Collections.Immutable;
using System.Net;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressDataPath.Kernel;

/// <summary>What the kernel of a node has of the data path.</summary>
/// <param name="Links">All links of the node.</param>
/// <param name="TunnelAddresses">Addresses of the tunnel's link.</param>
/// <param name="Addresses">Egress addresses.</param>
/// <param name="Routes">Routes in the own tables.</param>
/// <param name="Rules">All rules that look up an own table.</param>
/// <param name="Table">The nf_tables table; null if there is none.</param>
public sealed record ObservedState(
    ImmutableArray<Link> Links,
    ImmutableArray<LinkAddress> TunnelAddresses,
    ImmutableArray<LinkAddress> Addresses,
    ImmutableArray<Route> Routes,
    ImmutableArray<RoutingRule> Rules,
    Table? Table)
{
    /// <summary>The link into the tunnel; null if there is none.</summary>
    public Link? Tunnel => Links.FirstOrDefault(link => link.Name == Settings.Link);

    /// <summary>Indexes of links by name.</summary>
    public IReadOnlyDictionary<string, int> Indexes { get; } = Links.ToDictionary(link => link.Name, link => link.Index);

    /// <summary>Reads the state of the calling thread's network namespace.</summary>
    /// <param name="table">The nf_tables table, as it was just read.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static ObservedState Read(NetlinkSocket route, Table? table, Settings settings)
    {
        ArgumentNullException.ThrowIfNull(route);
        ArgumentNullException.ThrowIfNull(settings);
        ImmutableArray<Link> links = [.. route.ListLinks()];
        var recorded = RecordedAddresses(table);
        int? tunnel = links.FirstOrDefault(link => link.Name == Settings.Link)?.Index;
        IReadOnlyList<LinkAddress> addresses = route.ListAddresses(address =>
            address.LinkIndex == tunnel || address.Origin == Settings.AddressOrigin || recorded.Contains(address.Address));
        return new ObservedState(
            links,
            [.. addresses.Where(address => address.LinkIndex == tunnel)],
            [.. addresses.Where(address => address.LinkIndex != tunnel)],
            [.. route.ListRoutes(one => settings.HasTable(one.Table))],
            [.. route.ListRules(rule => settings.HasTable(rule.Table))],
            table);
    }

    /// <summary>Reads the nf_tables table of the calling thread's network namespace; null: there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static Table? ReadTable(NetlinkSocket netFilter) =>
        netFilter.ListTables(TableFamily.Inet, name => name == Settings.Table).Count == 0 ? null
            : netFilter.ReadTable(TableFamily.Inet, Settings.Table, withCounters: true);

    /// <summary>Before Linux 5.18, addresses do not tell who added them; the table does.</summary>
    private static HashSet<IPAddress> RecordedAddresses(Table? table) =>
        [.. (table?.Maps ?? []).Where(map => map.Name is "addresses4" or "addresses6")
            .SelectMany(map => map.Elements).Select(element => new IPAddress(element.Key.Span))];
}
