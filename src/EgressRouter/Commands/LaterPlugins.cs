using System.Net;
using System.Net.Sockets;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink.Routing;

namespace EgressRouter.Commands;

/// <summary>
/// What later plugins of a chain may change of what ADD made, where the kernel shows that connections go on as before
/// (docs/configuration.md, "In a chain"). A change that harms them is a difference, whoever made it.
/// </summary>
internal static class LaterPlugins
{
    /// <summary>What is wanted, with what is no difference as it is observed.</summary>
    public static NetworkState Accept(
        NetworkState desired, NetworkState observed, Attachment attachment, PodNetwork network, PodDump reading)
    {
        Sysctl filter = Sysctl.ReversePathFilter(attachment.Names.Interface);
        bool isHarmless = observed.Sysctls.TryGetValue(filter, out int value) && desired.Sysctls.TryGetValue(filter, out int wanted)
            && value != wanted
            && !DropsAnswers(value, attachment, network, reading);
        HashSet<IPAddress?> sources = [.. attachment.Addresses.Select(address => address.Address)];
        HashSet<uint> tables = [.. reading.Rules.Where(rule => !rule.HasOther && sources.Contains(rule.Source)).Select(rule => rule.Table)];
        HashSet<RouteState> routes = [.. reading.Routes.Select(route => route.Essence)];
        return desired with
        {
            Routes = desired.Routes.RemoveAll(route => IsMoved(route, attachment, routes, tables)),
            Sysctls = isHarmless ? desired.Sysctls.SetItem(filter, value) : desired.Sysctls,
        };
    }

    /// <summary>Whether sbr has moved the route into a table where packets from an egress address are looked up.</summary>
    private static bool IsMoved(RouteState route, Attachment attachment, HashSet<RouteState> routes, HashSet<uint> tables) =>
        route.Table == Route.MainTable && route.Device == attachment.Names.Interface && !routes.Contains(route.Essence)
        && tables.Any(table => routes.Contains(route.Essence with { Table = table }));

    /// <summary>
    /// Whether the reverse-path filter of the egress interface, which tuning may have set, drops what comes in by it. The pod's
    /// own routes decide: strict, the way back must be by the interface; loose, there must be one.
    /// </summary>
    private static bool DropsAnswers(int value, Attachment attachment, PodNetwork network, PodDump reading)
    {
        // The higher of "all" and the link's own is in force (ip-sysctl.rst): 0 none, 1 strict, 2 loose.
        int inForce = Math.Max(value, reading.ReadSysctl(Sysctl.AllReversePathFilter) ?? 0);
        int? egress = reading.Links.FirstOrDefault(link => link.Name == attachment.Names.Interface)?.Index;
        bool IsDropped(int? wayBack) => inForce == 1 ? wayBack != egress : wayBack is null;

        // ICMP errors come from anybody on the way.
        RouteState? anywhere = reading.DefaultsOf(Route.MainTable)
            .Where(route => route.Family == AddressFamily.InterNetwork).MinBy(route => route.Metric);
        return inForce != 0
            && (IsDropped(reading.Links.FirstOrDefault(link => link.Name == anywhere?.Device)?.Index)
                || attachment.Destinations.Select(destination => destination.Address).Distinct()
                    .Any(address => address.AddressFamily == AddressFamily.InterNetwork && IsDropped(network.LinkTo(address))));
    }
}
