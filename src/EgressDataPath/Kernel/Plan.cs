using System.Collections.Immutable;
using System.Net;
using EgressDataPath.Desired;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressDataPath.Kernel;

/// <summary>
/// The steps from what the kernel has to what it is to have. The order keeps every state between safe: a way exists before the table
/// leads to it, and goes after the table has let it go. While an egress address is on a link, the table keeps packets to it from the node
/// itself, which would reset connections.
/// </summary>
public static class Plan
{
    /// <summary>The steps that the other steps need, because routes name the tunnel's link by its index; none: the link is there.</summary>
    /// <param name="observed">What the kernel has.</param>
    /// <param name="settings">Numbers and names.</param>
    /// <param name="mtu">Of the tunnel, in bytes.</param>
    /// <param name="empty">
    /// Makes the table of a node that has nothing to do: it drops what comes by the tunnel, which would leave with the address of the node.
    /// </param>
    public static ImmutableArray<Step> ForTunnel(ObservedState observed, Settings settings, int mtu, Func<Table> empty)
    {
        ArgumentNullException.ThrowIfNull(observed);
        ArgumentNullException.ThrowIfNull(settings);
        Step[] steps = TunnelSteps(observed, settings, mtu);
        return steps.Length > 0 && observed.Table is null ? [new Step.SetTable(empty(), null), .. steps] : [.. steps];
    }

    private static Step[] TunnelSteps(ObservedState observed, Settings settings, int mtu)
    {
        Link? link = observed.Tunnel;
        if (link is null || link.Kind != new Vxlan(settings.TunnelPort))
        {
            Step[] make = [new Step.CreateTunnel(settings.TunnelPort, mtu), new Step.SetUpTunnel(mtu)];
            return link is null ? make : [new Step.DeleteTunnel(link.Index), .. make];
        }

        bool isSetUp = link.IsUp && link.Mtu == mtu && link.Sysctls.Ipv4("rp_filter") == LooseReversePath
            && observed.TunnelAddresses.Any(address => address.Address.Equals(Settings.LinkAddress));
        return isSetUp ? [] : [new Step.SetUpTunnel(mtu)];
    }

    internal const int LooseReversePath = 2;

    /// <summary>All other steps.</summary>
    /// <param name="desired">Made with the indexes of <paramref name="observed"/>.</param>
    /// <param name="settings">Numbers and names.</param>
    /// <param name="slots">The slots of egress addresses, by their text.</param>
    /// <param name="freedSlots">Slots that no egress address has any more.</param>
    /// <param name="isFirst">
    /// Whether this program has just started, or there was no table. The program before may have been killed after the table changed and
    /// before connections did; another program may have deleted the table, and not the connections.
    /// </param>
    /// <param name="guarded">The desired table, with the addresses that are leaving; null: none is.</param>
    public static ImmutableArray<Step> For(
        DesiredState desired,
        ObservedState observed,
        Settings settings,
        IReadOnlyDictionary<string, int> slots,
        IEnumerable<int> freedSlots,
        bool isFirst,
        Table? guarded = null)
    {
        ArgumentNullException.ThrowIfNull(desired);
        ArgumentNullException.ThrowIfNull(observed);
        ArgumentNullException.ThrowIfNull(settings);
        var steps = ImmutableArray.CreateBuilder<Step>();
        var links = observed.Links.ToDictionary(link => link.Index, link => link.Name);

        var routes = observed.Routes.ToLookup(Identity);
        steps.AddRange(desired.Routes.Where(route => !routes.Contains(Identity(route))).Select(route => new Step.SetRoute(route)));
        steps.AddRange(desired.Rules.Except(observed.Rules).Select(rule => new Step.AddRule(rule)));
        Table first = guarded ?? desired.Table;
        if (observed.Table is null || !AreEqual(first, observed.Table))
        {
            steps.Add(new Step.SetTable(first, observed.Table));
        }

        steps.AddRange(desired.Addresses.Where(address => !observed.Addresses.Any(other => IsSame(other, address)))
            .Select(address => new Step.AddAddress(address, links.GetValueOrDefault(address.LinkIndex, "?"))));
        LinkAddress[] gone = [.. observed.Addresses.Where(address => !desired.Addresses.Any(other => IsSame(other, address)))];
        steps.AddRange(gone.Select(address => new Step.HandOver(address.Address)));
        ImmutableArray<Rebinding> rebindings = [.. Rebindings(desired.Table, isFirst ? null : observed.Table, settings, slots)];
        if (!rebindings.IsEmpty)
        {
            steps.Add(new Step.RebindConnections(rebindings));
        }

        var forget = new Step.ForgetConnections(
            [.. Lost(observed.Table, desired.Table, "pods4", "pods6")],
            [.. Lost(observed.Table, desired.Table, "members4", "members6")],
            [.. freedSlots],
            [.. gone.Select(address => address.Address).Except(desired.Addresses.Select(address => address.Address))]);
        if (!forget.IsEmpty)
        {
            steps.Add(forget);
        }

        steps.AddRange(gone.Select(address => new Step.DeleteAddress(address, links.GetValueOrDefault(address.LinkIndex, "?"))));
        if (guarded is not null && !AreEqual(desired.Table, guarded))
        {
            steps.Add(new Step.SetTable(desired.Table, guarded));
        }

        steps.AddRange(observed.Rules.Except(desired.Rules).Select(rule => new Step.DeleteRule(rule)));
        var wanted = desired.Routes.Select(Identity).ToHashSet();
        var replaced = desired.Routes.Select(Place).ToHashSet();
        steps.AddRange(observed.Routes.Where(route => !wanted.Contains(Identity(route)) && !replaced.Contains(Place(route)))
            .Select(route => new Step.DeleteRoute(route)));
        return steps.ToImmutable();
    }

    /// <summary>The steps that remove everything.</summary>
    public static ImmutableArray<Step> ForRemoval(ObservedState observed)
    {
        ArgumentNullException.ThrowIfNull(observed);
        var links = observed.Links.ToDictionary(link => link.Index, link => link.Name);
        return
        [
            // The table drops what still comes by the tunnel.
            .. observed.Tunnel is { Kind: Vxlan } link ? [new Step.DeleteTunnel(link.Index)] : Array.Empty<Step>(),
            .. observed.Table is null ? Array.Empty<Step>() : [new Step.DeleteTable()],
            .. observed.Addresses.Select(address => new Step.DeleteAddress(address, links.GetValueOrDefault(address.LinkIndex, "?"))),
            .. observed.Rules.Select(rule => new Step.DeleteRule(rule)),
            .. observed.Routes.Select(route => new Step.DeleteRoute(route)),
        ];
    }

    /// <summary>Slots whose connections leave otherwise than before; all slots, if what was before is not known.</summary>
    private static IEnumerable<Rebinding> Rebindings(
        Table desired, Table? observed, Settings settings, IReadOnlyDictionary<string, int> slots)
    {
        Dictionary<int, bool> before = WaysOut(observed, settings);
        Dictionary<int, bool> after = WaysOut(desired, settings);
        return slots.Where(slot => after.TryGetValue(slot.Value, out bool isHere)
            && (observed is null || (before.TryGetValue(slot.Value, out bool wasHere) && wasHere != isHere)))
            .Select(slot => new Rebinding(slot.Value, IPAddress.Parse(slot.Key), after[slot.Value]));
    }

    /// <summary>For each slot, whether its connections leave by this node.</summary>
    private static Dictionary<int, bool> WaysOut(Table? table, Settings settings) =>
        (table?.Maps.FirstOrDefault(map => map.Name == EgressTable.SlotsMap)?.Elements ?? []).ToDictionary(
            element => settings.SlotOf(NftNumber.Of(element.Key)),
            element => element.Decision?.Chain is string chain && EgressTable.IsOut(chain));

    /// <summary>What a route of ours is, without what the kernel adds.</summary>
    private static (object, object?, int, uint, uint, int?, IPAddress?, IpTunnel?) Identity(Route route) => (
        (route.Family, route.Type), route.Destination, route.PrefixLength, route.Table, route.Priority,
        route.Type == RouteType.Unicast ? route.OutputInterface : null, route.Gateway, route.Tunnel());

    /// <summary>Routes of one place replace each other.</summary>
    private static (object, IPAddress?, int, uint, uint) Place(Route route) =>
        (route.Family, route.Destination, route.PrefixLength, route.Table, route.Priority);

    private static bool IsSame(LinkAddress one, LinkAddress other) => one.LinkIndex == other.LinkIndex && one.Address.Equals(other.Address);

    private static bool AreEqual(Table desired, Table observed) =>
        desired.Flags == observed.Flags
        && desired.Chains.ToHashSet().SetEquals(observed.Chains)
        && desired.Maps.ToHashSet().SetEquals(observed.Maps)
        && HaveSameRules(desired, observed);

    private static bool HaveSameRules(Table desired, Table observed)
    {
        ILookup<string, Rule> wanted = desired.Rules.ToLookup(rule => rule.Chain);
        ILookup<string, Rule> found = observed.Rules.ToLookup(rule => rule.Chain);
        return wanted.Count == found.Count && wanted.All(chain => chain.SequenceEqual(found[chain.Key]));
    }

    /// <summary>Keys that a map no longer has, or has with another value.</summary>
    private static IEnumerable<IPAddress> Lost(Table? observed, Table desired, params string[] maps)
    {
        foreach (string name in maps)
        {
            Map? before = observed?.Maps.FirstOrDefault(map => map.Name == name);
            Map? after = desired.Maps.FirstOrDefault(map => map.Name == name);
            foreach (MapElement element in (before?.Elements ?? []).Except(after?.Elements ?? []))
            {
                Bytes key = element.Key;
                yield return new IPAddress(key.Span);
            }
        }
    }
}
