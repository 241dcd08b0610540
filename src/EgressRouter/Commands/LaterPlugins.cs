using System.Net;
using System.Net.Sockets;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink.Routing;

namespace EgressRouter.Commands;

/// <summary>
/// Changes that later plugins of a chain may make to ADD's state, if the kernel's state shows that connections still work
/// (docs/configuration.md, "In a chain"). Any harmful change is a difference.
/// </summary>
internal static class LaterPlugins
{
    /// <summary>The desired state, with harmless differences replaced by the observed values.</summary>
    public static NetworkState Accept(
        NetworkState desired, NetworkState observed, Attachment attachment, PodNetwork network, PodDump dump)
    {
        Sysctl filter = Sysctl.ReversePathFilter(attachment.Names.Interface);
        bool isHarmless = observed.Sysctls.TryGetValue(filter, out int value) && desired.Sysctls.TryGetValue(filter, out int wanted)
            && value != wanted
            && !DropsAnswers(value, attachment, network, dump);
        HashSet<IPAddress?> sources = [.. attachment.Addresses.Select(address => address.Address)];
        HashSet<uint> tables = [.. dump.Rules.Where(rule => !rule.HasOther && sources.Contains(rule.Source)).Select(rule => rule.Table)];
        HashSet<RouteState> routes = [.. dump.Routes.Select(route => route.Essence)];
        return desired with
        {
            Routes = desired.Routes.RemoveAll(route => IsMoved(route, attachment, routes, tables)),
            Sysctls = isHarmless ? desired.Sysctls.SetItem(filter, value) : desired.Sysctls,
        };
    }

    /// <summary>Whether sbr has moved the route to a table that is looked up for packets from an egress address.</summary>
    private static bool IsMoved(RouteState route, Attachment attachment, HashSet<RouteState> routes, HashSet<uint> tables) =>
        route.Table == Route.MainTable && route.Device == attachment.Names.Interface && !routes.Contains(route.Essence)
        && tables.Any(table => routes.Contains(route.Essence with { Table = table }));

    /// <summary>
    /// Whether the egress interface's reverse path filter, which tuning may have set, drops inbound packets. The pod's own routes
    /// decide: strict needs a return route through the interface, loose needs any return route.
    /// </summary>
    private static bool DropsAnswers(int value, Attachment attachment, PodNetwork network, PodDump dump)
    {
        // The effective value is the higher of "all" and the link's own (ip-sysctl.rst): 0 none, 1 strict, 2 loose.
        int inForce = Math.Max(value, dump.ReadSysctl(Sysctl.AllReversePathFilter) ?? 0);
        int? egress = dump.Links.FirstOrDefault(link => link.Name == attachment.Names.Interface)?.Index;
        bool IsDropped(int? wayBack) => inForce == 1 ? wayBack != egress : wayBack is null;

        // Any host on the path may send ICMP errors.
        RouteState? anywhere = dump.DefaultsOf(Route.MainTable)
            .Where(route => route.Family == AddressFamily.InterNetwork).MinBy(route => route.Metric);
        return inForce != 0
            && (IsDropped(dump.Links.FirstOrDefault(link => link.Name == anywhere?.Device)?.Index)
                || attachment.Destinations.Select(destination => destination.Address).Distinct()
                    .Any(address => address.AddressFamily == AddressFamily.InterNetwork && IsDropped(network.LinkTo(address))));
    }
}
