using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Cni;
using EgressRouter.Tools;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Legacy;

/// <summary>Reads what the proxies have to know of their pod. It takes no privilege.</summary>
internal static class ProxyPodReader
{
    private const string ResolvConfPath = "/etc/resolv.conf";

    /// <summary>Reads the pod that this program runs in.</summary>
    /// <param name="interfaceName">The name of the egress interface; null: to be found.</param>
    /// <param name="directory">Where configurations are to be.</param>
    /// <exception cref="UsageException">It has no egress interface with an address, or no address for clients.</exception>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static ProxyPod Read(string? interfaceName, string directory)
    {
        if (!directory.StartsWith('/') || !IsPlain(directory))
        {
            throw new UsageException($"--directory {SafeText.Short(directory)}: it is an absolute path of letters, digits and /-_.");
        }

        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        IReadOnlyList<Link> links = socket.ListLinks();
        Link egress = EgressLink.Find(links, interfaceName);
        if (!EgressLink.IsEgress(egress))
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
            [.. links.Where(link => link.Name != egress.Name && link.Name != "lo" && !EgressLink.IsEgress(link)).SelectMany(link => AddressesOf(socket, link))];
        if (clientSide.IsEmpty)
        {
            throw new UsageException($"the pod has no address but that of {egress.Name}, by which clients could come");
        }

        HashSet<int> outside = [.. links.Where(link => link.Name == egress.Name || EgressLink.IsEgress(link)).Select(link => link.Index)];
        return new ProxyPod
        {
            Sources = sources,
            ClientSide = clientSide,
            Own = [.. links.Where(link => link.Name != "lo").SelectMany(socket.ListAddresses).Select(address => address.Address)],
            Loopback = [.. links.Where(link => link.Name == "lo").SelectMany(socket.ListAddresses).Select(address => address.Address).Where(IPAddress.IsLoopback)],
            Elsewhere = ElsewhereOf(socket.ListRoutes(IsToNetwork), outside),
            Nameservers = File.Exists(ResolvConfPath) ? ResolvConf.Nameservers(File.ReadAllText(ResolvConfPath)) : [],
            MaxFiles = MaxFiles(File.ReadAllLines("/proc/self/limits")),
            Directory = directory,
        };
    }

    /// <summary>What the main table's routes lead to another interface. Of two routes the longer one counts, and the default routes are not asked.</summary>
    private static AddressSet ElsewhereOf(IReadOnlyList<Route> routes, HashSet<int> outside)
    {
        (AddressSet known, AddressSet elsewhere) = (AddressSet.None, AddressSet.None);
        foreach (Route route in routes.OrderByDescending(route => route.PrefixLength))
        {
            AddressSet network = AddressSet.Of([(route.Destination!, route.PrefixLength)]).Except(known);
            known = known.Union(network);
            elsewhere = outside.Contains(route.OutputInterface!.Value) ? elsewhere : elsewhere.Union(network);
        }

        return elsewhere;
    }

    private static bool IsToNetwork(Route route) =>
        route is { Table: Route.MainTable, Type: RouteType.Unicast, Destination: not null, OutputInterface: not null };

    /// <summary>The hard limit, where that is below what a proxy needs. "unlimited", or a thousand million, would be taken at its word.</summary>
    private static int MaxFiles(string[] limits)
    {
        const int enough = 65536;
        const int hardLimit = 4;
        foreach (string line in limits)
        {
            // Max open files            1024                 524288               files
            if (line.StartsWith("Max open files", StringComparison.Ordinal)
                && int.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[hardLimit], CultureInfo.InvariantCulture, out int limit))
            {
                return Math.Min(limit, enough);
            }
        }

        return enough;
    }

    private static ImmutableArray<IPAddress> AddressesOf(NetlinkSocket socket, Link link) =>
        [.. socket.ListAddresses(link).Where(address => !address.Address.IsIPv6LinkLocal).Select(address => address.Address)];

    /// <summary>Whether there is nothing in it that another program's configuration could take for more than a path.</summary>
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
