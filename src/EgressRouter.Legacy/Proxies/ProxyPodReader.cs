using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Cni;
using EgressRouter.Config;
using EgressRouter.Tools;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Legacy;

/// <summary>Reads the properties of the proxies' pod. Needs no privilege.</summary>
internal static class ProxyPodReader
{
    private const string ResolvConfPath = "/etc/resolv.conf";

    /// <summary>Reads the pod of this process.</summary>
    /// <param name="interfaceName">The name of the egress interface, or null to find it.</param>
    /// <param name="directory">The folder of the configurations.</param>
    /// <exception cref="UsageException">The pod has no egress interface with an address, or no address for clients.</exception>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public static ProxyPod Read(string? interfaceName, string directory)
    {
        if (!directory.StartsWith('/') || !IsPlain(directory))
        {
            throw new UsageException($"--directory {SafeText.Short(directory)}: it is an absolute path of letters, digits and /-_.");
        }

        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        IReadOnlyList<Link> links = socket.ListLinks();
        Link egress = EgressInterface.Find(links, interfaceName);
        if (!EgressInterface.IsEgress(egress))
        {
            throw new UsageException(
                $"{egress.Name} is not the interface of an egress router, whose rules keep others out: attach it by the plugin, or run \"egress-routerctl init\" in the pod before");
        }

        ImmutableArray<IPAddress> sources = AddressesOf(socket, egress);
        if (sources.IsEmpty || !egress.IsUp)
        {
            throw new UsageException($"the egress interface {egress.Name} {(egress.IsUp ? "has no address" : "is down")}");
        }

        ImmutableArray<IPAddress> clientSide =
            [.. links.Where(link => link.Name != egress.Name && link.Name != "lo" && !EgressInterface.IsEgress(link))
                .SelectMany(link => AddressesOf(socket, link))];
        if (clientSide.IsEmpty)
        {
            throw new UsageException($"the pod has no address but that of {egress.Name}, by which clients could come");
        }

        HashSet<int> outside = [.. links.Where(link => link.Name == egress.Name || EgressInterface.IsEgress(link))
            .Select(link => link.Index)];
        return new ProxyPod
        {
            Sources = sources,
            ClusterAddresses = clientSide,
            Own = [.. links.Where(link => link.Name != "lo").SelectMany(socket.ListAddresses).Select(address => address.Address)],
            Loopback = [.. links.Where(link => link.Name == "lo").SelectMany(socket.ListAddresses).Select(address => address.Address)
                .Where(IPAddress.IsLoopback)],
            Elsewhere = ElsewhereOf(socket, outside),
            Nameservers = File.Exists(ResolvConfPath) ? ResolvConf.Nameservers(File.ReadAllText(ResolvConfPath)) : [],
            MaxFiles = MaxFiles(File.ReadAllLines("/proc/self/limits")),
            Directory = directory,
        };
    }

    /// <summary>
    /// Returns the destinations that the main table routes to another interface, and the addresses, such as the node's own, that a rule
    /// looks up in a table that does. The longest prefix wins; the main table's default routes are ignored.
    /// </summary>
    private static AddressSet ElsewhereOf(NetlinkSocket socket, HashSet<int> outside)
    {
        bool LeadsElsewhere(Route route) =>
            socket.NextHopsOf(route).Any(hop => hop.OutputInterface is int index && !outside.Contains(index));
        IReadOnlyList<RoutingRule> rules = socket.ListRules(
            rule => rule is { Destination: not null, Source: null, Mask: 0, HasOther: false });
        HashSet<uint> tables = [.. rules.Select(rule => rule.Table), Route.MainTable];
        ILookup<uint, Route> routes = socket.ListRoutes(route => route.Type == RouteType.Unicast && tables.Contains(route.Table))
            .OrderByDescending(route => route.PrefixLength).ThenBy(route => route.Priority).ToLookup(route => route.Table);
        (AddressSet known, AddressSet elsewhere) = (AddressSet.None, AddressSet.None);
        foreach (Route route in routes[Route.MainTable].Where(route => route.Destination is not null))
        {
            AddressSet network = NetworkOf(route).Except(known);
            known = known.Union(network);
            elsewhere = LeadsElsewhere(route) ? elsewhere.Union(network) : elsewhere;
        }

        foreach (RoutingRule rule in rules)
        {
            int bits = rule.Family.AddressBits();
            Route? route = routes[rule.Table].FirstOrDefault(route =>
                route.Family == rule.Family && (route.Destination is null || NetworkOf(route).Contains(rule.Destination!, bits)));
            elsewhere = route is not null && LeadsElsewhere(route)
                ? elsewhere.Union(AddressSet.Of([(rule.Destination!, bits)]))
                : elsewhere;
        }

        return elsewhere;
    }

    private static AddressSet NetworkOf(Route route) => AddressSet.Of([(route.Destination!, route.PrefixLength)]);

    /// <summary>
    /// Returns the hard limit, capped at what a proxy needs: a proxy would allocate for "unlimited", or for 1,000,000,000 files.
    /// </summary>
    private static int MaxFiles(string[] limits)
    {
        const int enough = 262144;
        const int hardLimit = 4;
        foreach (string line in limits)
        {
            // Max open files            1024                 524288               files
            if (line.StartsWith("Max open files", StringComparison.Ordinal)
                && int.TryParse(
                    line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[hardLimit], CultureInfo.InvariantCulture, out int limit))
            {
                return Math.Min(limit, enough);
            }
        }

        return enough;
    }

    private static ImmutableArray<IPAddress> AddressesOf(NetlinkSocket socket, Link link) =>
        [.. socket.ListAddresses(link).Where(address => !address.Address.IsIPv6LinkLocal).Select(address => address.Address)];

    /// <summary>Whether the path has no character with a meaning in another program's configuration.</summary>
    private static bool IsPlain(string path)
    {
        foreach (char letter in path)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('/' or '-' or '_' or '.'))
            {
                return false;
            }
        }

        return true;
    }
}
