using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressDataPath.Desired;

/// <summary>All that the kernel of a node is to have. Indexes of links are those of the node.</summary>
/// <param name="TunnelMtu">The MTU of the tunnel's link, in bytes.</param>
/// <param name="Addresses">Egress addresses on their links.</param>
/// <param name="Routes">The content of the own routing tables.</param>
public sealed record DesiredState(
    int TunnelMtu, Table Table, ImmutableArray<LinkAddress> Addresses, ImmutableArray<Route> Routes, ImmutableArray<RoutingRule> Rules)
{
    /// <summary>
    /// Behind all other routes of a table: packets end here while the link is gone, and do not fall through to other tables.
    /// </summary>
    private const uint LastResort = 4_000_000_000;

    /// <summary>Of routes into the tunnel; 1024 is what IPv6 takes for none.</summary>
    private const uint TunnelPriority = 1024;

    private const byte TunnelTimeToLive = 64;

    /// <summary>The state for these duties.</summary>
    /// <param name="indexes">The links of the node by name.</param>
    /// <param name="hasIPv6">Whether the node has IPv6: else its kernel refuses routes and rules of it.</param>
    /// <exception cref="NumbersExhaustedException">There are more egress addresses or egress nodes than the masks have numbers.</exception>
    public static DesiredState Of(
        Duties duties, Settings settings, NodeNumbers numbers, int tunnelMtu, IReadOnlyDictionary<string, int> indexes,
        bool hasIPv6 = true)
    {
        ArgumentNullException.ThrowIfNull(duties);
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(numbers);
        ArgumentNullException.ThrowIfNull(indexes);
        Table table = EgressTable.Build(duties, settings, numbers, tunnelMtu);
        int tunnel = indexes.GetValueOrDefault(Settings.Link);
        var routes = ImmutableArray.CreateBuilder<Route>();
        var rules = ImmutableArray.CreateBuilder<RoutingRule>();

        foreach (IPAddress node in duties.Objects.SelectMany(served => served.Addresses).Select(address => address.Way)
            .OfType<Way.Tunnel>().Select(way => way.Node).Distinct())
        {
            int hop = numbers.Hops.Of(EgressTable.TunnelTo(node));
            AddTable(hop, [.. Families.All.Select(family => Into(tunnel, node, family, null, 0))]);
        }

        foreach (LinkRoutes link in duties.Links.Where(link => duties.Held.Any(held => held.HasOwnWay && held.Link == link.Link)))
        {
            int hop = numbers.Hops.Of(EgressTable.OutBy(link.Link));
            AddTable(hop, [.. link.Routes.Select(route => route with { Origin = (RouteProtocol)Settings.RouteOrigin })]);
        }

        AddTable(settings.AnswerHop, [.. duties.Held.SelectMany(held => held.Members).Where(member => member.Node is not null)
            .DistinctBy(member => member.Pod)
            .Select(member => Into(tunnel, member.Node!, member.Pod.AddressFamily, member.Pod, member.Pod.AddressFamily.AddressBits()))]);
        return new DesiredState(
            tunnelMtu,
            table,
            [.. AddressesOf(duties, indexes)],
            [.. routes.Where(route => hasIPv6 || route.Family == AddressFamily.InterNetwork)],
            [.. rules.Where(rule => hasIPv6 || rule.Family == AddressFamily.InterNetwork)]);

        void AddTable(int hop, Route[] ways)
        {
            uint number = settings.FirstTable + (uint)hop;
            foreach (AddressFamily family in Families.All)
            {
                routes.Add(new Route
                {
                    Family = family,
                    Table = number,
                    Type = RouteType.Unreachable,
                    Priority = LastResort,
                    Origin = (RouteProtocol)Settings.RouteOrigin,
                });
                rules.Add(new RoutingRule
                {
                    Family = family,
                    Priority = settings.RulePriority,
                    Mark = settings.PacketMark(hop),
                    Mask = settings.PacketMask,
                    Table = number,
                });
            }

            routes.AddRange(ways.Select(way => way with { Table = number }));
        }

        Route Into(int link, IPAddress node, AddressFamily family, IPAddress? destination, int length) => new()
        {
            Family = family,
            Destination = destination,
            PrefixLength = length,
            OutputInterface = link,
            Priority = TunnelPriority,
            Origin = (RouteProtocol)Settings.RouteOrigin,
            Scope = family == AddressFamily.InterNetwork ? RouteScope.Link : RouteScope.Universe,
            OtherAttributes = new IpTunnel(settings.TunnelId, node, TunnelTimeToLive).ToAttributes(),
        };
    }

    /// <summary>
    /// The node itself begins no connections from an egress address: of IPv4 it is not the first address, of IPv6 it is deprecated.
    /// The agent has probed for other holders, so the kernel does not.
    /// </summary>
    private static IEnumerable<LinkAddress> AddressesOf(Duties duties, IReadOnlyDictionary<string, int> indexes) =>
        duties.Held.Where(held => indexes.ContainsKey(held.Link)).Select(held => new LinkAddress(
            indexes[held.Link], held.Address, held.Address.AddressFamily.AddressBits(), AddressFlags.NoPrefixRoute | AddressFlags.NoDad)
        {
            Origin = Settings.AddressOrigin,
            Lifetime = held.Address.AddressFamily == AddressFamily.InterNetworkV6
                ? new AddressLifetime(Preferred: 0, Valid: AddressLifetime.Infinite)
                : null,
        });
}
