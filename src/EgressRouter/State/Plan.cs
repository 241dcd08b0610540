using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.State.Nftables;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>One change to the kernel. <see cref="object.ToString"/> says it in words, for errors and for people.</summary>
public abstract record PlanStep;

/// <summary>Makes the egress interface, down, in the pod's namespace.</summary>
/// <param name="Link">The interface.</param>
public sealed record CreateLink(LinkState Link) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"create {Link.Kind?.Name} {Link.Name} on parent {Link.Parent}";
}

/// <summary>Deletes the egress interface, and with it its addresses and routes.</summary>
/// <param name="Link">The interface.</param>
public sealed record DeleteLink(LinkState Link) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"delete link {Link.Name}";
}

/// <summary>Sets what differs of the egress interface, in one message.</summary>
/// <param name="From">The interface before.</param>
/// <param name="To">The interface as it is to be.</param>
public sealed record ChangeLink(LinkState From, LinkState To) : PlanStep
{
    /// <summary>What is set.</summary>
    public LinkSettings Settings => To.Settings.Except(From.Settings);

    /// <inheritdoc/>
    public override string ToString() => $"set link {To.Name}: {Settings}";
}

/// <summary>Adds an address to the egress interface.</summary>
/// <param name="Address">The address.</param>
/// <param name="Link">The interface's name.</param>
public sealed record AddAddress(AddressState Address, string Link) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"add address {Address} to {Link}";
}

/// <summary>Takes an address from the egress interface.</summary>
/// <param name="Address">The address.</param>
/// <param name="Link">The interface's name.</param>
public sealed record DeleteAddress(AddressState Address, string Link) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"delete address {Address} from {Link}";
}

/// <summary>Adds a route, or puts it in the place of the one with its destination and metric.</summary>
/// <param name="Route">The route.</param>
public sealed record ReplaceRoute(RouteState Route) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"add route {Route}";
}

/// <summary>Adds a route where there is none with its destination and metric: one that somebody else adds meanwhile is not lost.</summary>
/// <param name="Route">The route.</param>
public sealed record AddRoute(RouteState Route) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"add route {Route}";
}

/// <summary>Deletes a route.</summary>
/// <param name="Route">The route.</param>
public sealed record DeleteRoute(RouteState Route) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"delete route {Route}";
}

/// <summary>Adds a routing rule.</summary>
/// <param name="Rule">The rule.</param>
public sealed record AddRule(RoutingRule Rule) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"add routing rule {RuleText.Of(Rule)}";
}

/// <summary>Deletes a routing rule.</summary>
/// <param name="Rule">The rule.</param>
public sealed record DeleteRule(RoutingRule Rule) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"delete routing rule {RuleText.Of(Rule)}";
}

/// <summary>
/// Forgets the connections of an attachment. One that goes on without its addresses would go nowhere, and one that begins
/// anew with the same ports would be translated as before.
/// </summary>
/// <param name="Names">The attachment: its connections have its marks.</param>
/// <param name="Addresses">Its addresses: connections of the pod itself have no mark.</param>
public sealed record ForgetConnections(AttachmentNames Names, ImmutableArray<IPAddress> Addresses) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"forget connections of {string.Join(", ", Listing.Short([Names.Interface, .. Addresses.Select(address => address.ToString())]))}";
}

/// <summary>
/// Forgets the connections of clients that new ones would not go the way of: their destination is gone or another, or their
/// egress address is, or they are not redirected and would be. Whatever else there is goes on undisturbed.
/// </summary>
/// <param name="Names">The attachment: its connections have its marks.</param>
/// <param name="Redirections">Where connections go now.</param>
public sealed record ForgetStaleConnections(AttachmentNames Names, Redirections Redirections) : PlanStep
{
    /// <summary>For an attachment as it is wanted.</summary>
    public static ForgetStaleConnections Of(Attachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        return new(
            attachment.Names, new Redirections(attachment.Destinations, [.. attachment.Addresses.Select(address => address.Address)]));
    }

    /// <inheritdoc/>
    public override string ToString() => $"forget connections through {Names.Interface} that do not go where its destinations lead now";
}

/// <summary>
/// Changes what differs in the nf_tables table, in one step, while packets pass: the chains stay where they are, and what
/// was counted stays counted.
/// </summary>
/// <param name="Table">The table as it is wanted, with what its counters begin with.</param>
/// <param name="Observed">The table as it is.</param>
public sealed record UpdateTable(Table Table, Table Observed) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"update nftables table {Table.Name}";
}

/// <summary>Makes the nf_tables table with all that is in it.</summary>
/// <param name="Table">The table.</param>
/// <param name="Replaces">Whether it takes the place of one of its name, in one step.</param>
public sealed record CreateTable(Table Table, bool Replaces = false) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"{(Replaces ? "replace" : "create")} nftables table {Table.Name}";
}

/// <summary>Deletes the nf_tables table.</summary>
/// <param name="Table">The table.</param>
public sealed record DeleteTable(Table Table) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"delete nftables table {Table.Name}";
}

/// <summary>Sets a kernel parameter.</summary>
/// <param name="Sysctl">Which.</param>
/// <param name="Value">Its value.</param>
public sealed record SetSysctl(Sysctl Sysctl, int Value) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"set sysctl {Sysctl}={Value}";
}

/// <summary>The steps from one state to another, in an order in which stopping at any point does no harm.</summary>
public static class Plan
{
    /// <summary>
    /// From nothing, from what the IPAM plugin was asked with, or from whatever became of it, to an attachment: the interface, still down;
    /// its
    /// parameters; all filtering and translation; then up, its hardware address, addresses, the attachment's tables and
    /// rules; the pod's default route; forwarding last.
    /// </summary>
    public static ImmutableArray<PlanStep> ToPresent(ImmutableArray<Difference> differences, LinkState link)
    {
        ArgumentNullException.ThrowIfNull(link);
        SysctlDifference[] sysctls = [.. differences.OfType<SysctlDifference>()];
        RouteDifference[] routes = [.. differences.OfType<RouteDifference>()];
        AddressDifference[] addresses = [.. differences.OfType<AddressDifference>()];
        HashSet<RoutePlace> missing = [.. routes.Where(route => route.IsMissing).Select(route => PlaceOf(route.Route))];
        HashSet<RoutePlace> unwanted = [.. routes.Where(route => !route.IsMissing).Select(route => PlaceOf(route.Route))];
        Dictionary<Sysctl, int> written = sysctls.ToDictionary(sysctl => sysctl.Sysctl, sysctl => sysctl.Desired);
        LinkDifference? changed = differences.OfType<LinkDifference>().FirstOrDefault();
        bool isMadeByKernel = addresses.Length > 0 || changed is not null;
        bool isNew = changed is not null && (changed.Observed is null || IsOther(link, changed.Observed));
        // It is made down, and with the hardware address that the kernel chooses.
        LinkState made = link with { Settings = link.Settings with { IsUp = null, HardwareAddress = null } };
        LinkState before = isNew ? made : changed?.Observed ?? link;
        LinkState settled = link with { Settings = made.Settings.Or(before.Settings) };
        LinkState up = link with { Settings = settled.Settings with { IsUp = link.Settings.IsUp ?? settled.Settings.IsUp } };
        return
        [
            .. isNew && changed!.Observed is LinkState other ? [new DeleteLink(other)] : Array.Empty<PlanStep>(),
            .. isNew ? [new CreateLink(made)] : Array.Empty<PlanStep>(),
            .. Change(before, settled),
            .. sysctls.Where(sysctl => IsForLinkDown(sysctl) && !IsWrittenWithAll(sysctl)).Select(Set),
            .. differences.OfType<TableDifference>().Select(ToDesired),
            .. Change(settled, up),
            // Up, and still with the hardware address that the kernel chose, it can be asked who else has the addresses:
            // an answer to the hardware address that another node uses too would go to that node.
            .. Change(up, link with { Settings = link.Settings.Or(up.Settings) }),
            .. addresses.Where(address => address.Observed is not null && !isNew).Select(
                address => new DeleteAddress(address.Observed!, link.Name)),
            .. addresses.Where(address => address.Address is not null).Select(address => new AddAddress(address.Address!, link.Name)),
            .. routes.Where(route => route.IsMissing && route.Route.Table != Route.MainTable).Select(Add),
            .. differences.OfType<RuleDifference>().Select(
                rule => rule.IsMissing ? new AddRule(rule.Rule) : (PlanStep)new DeleteRule(rule.Rule)),
            // The kernel makes its own routes with the address, or when the link comes up. Gateways come before the routes through them.
            .. routes.Where(
                route => route.IsMissing && route.Route.Table == Route.MainTable
                    && (route.Route.Origin != RouteProtocol.Kernel || !isMadeByKernel))
                .Select(
                    route => route.Route.IsDefault && !unwanted.Contains(PlaceOf(route.Route)) ? new AddRoute(route.Route) : Add(route)),
            .. routes.Where(route => !route.IsMissing && !missing.Contains(PlaceOf(route.Route))).Select(Delete),
            .. sysctls.Where(sysctl => !IsForLinkDown(sysctl) && !IsWrittenWithAll(sysctl)).Select(Set),
        ];

        // Links come and go meanwhile; those that are there the kernel writes together.
        bool IsWrittenWithAll(SysctlDifference difference) =>
            difference.Sysctl.Switch is Sysctl all && written.TryGetValue(all, out int value) && value == difference.Desired;

        // The kernel would announce as soon as the link is up; the first announcement is ours, when all has been verified.
        bool IsForLinkDown(SysctlDifference difference) => difference.Sysctl.Link == link.Name && !difference.Sysctl.IsAnnouncement;
    }

    /// <summary>
    /// From whatever is left of an attachment to nothing: the pod's own default route is put back before the egress
    /// interface goes; the nf_tables table, which remembers what to put back, goes last.
    /// </summary>
    /// <param name="differences">What is there of the attachment.</param>
    /// <param name="restored">The kernel parameters that are put back.</param>
    /// <param name="forgotten">The connections to forget.</param>
    public static ImmutableArray<PlanStep> ToRemoved(
        ImmutableArray<Difference> differences, ImmutableSortedDictionary<Sysctl, int> restored, ForgetConnections forgotten)
    {
        ArgumentNullException.ThrowIfNull(restored);
        LinkDifference? link = differences.OfType<LinkDifference>().FirstOrDefault();
        RouteDifference[] routes = [.. differences.OfType<RouteDifference>()];
        bool WentWithLink(RouteState route) => link is not null && route.Device == link.Observed!.Name;
        return
        [
            .. routes.Where(route => route.IsMissing).Select(Add),
            // No forwarding any more before the rules go that say where to.
            .. Restore([.. differences.OfType<SysctlDifference>().Select(Set)], restored),
            .. link?.Observed is LinkState observed ? [new DeleteLink(observed)] : Array.Empty<PlanStep>(),
            .. differences.OfType<RuleDifference>().Select(rule => new DeleteRule(rule.Rule)),
            .. routes
                .Where(route => !route.IsMissing && route.Route.Table != Route.MainTable && !WentWithLink(route.Route))
                .Select(Delete),
            // While the rules still drop whatever would begin anew, and before the last trace of the attachment goes.
            forgotten,
            .. differences.OfType<TableDifference>().Select(table => new DeleteTable(table.Observed!)),
        ];
    }

    /// <summary>Forwarding of <c>all</c> comes first: the kernel writes it to every link, whose own value comes after.</summary>
    private static SetSysctl[] Restore(SetSysctl[] steps, ImmutableSortedDictionary<Sysctl, int> restored)
    {
        HashSet<Sysctl> written = [.. steps.Select(step => step.Sysctl)];
        bool IsWrittenWith(Sysctl sysctl) => sysctl.Switch is Sysctl all && written.Contains(all);
        return
        [
            .. steps.Where(step => step.Sysctl.IsSwitch),
            .. steps.Where(step => !step.Sysctl.IsSwitch && !IsWrittenWith(step.Sysctl)),
            .. restored.Where(pair => IsWrittenWith(pair.Key)).Select(pair => new SetSysctl(pair.Key, pair.Value)),
        ];
    }

    /// <summary>Whether it is another link: what differs cannot be set, only made.</summary>
    private static bool IsOther(LinkState wanted, LinkState there) =>
        (wanted.Name, wanted.Kind, wanted.Parent) != (there.Name, there.Kind, there.Parent);

    private static ChangeLink[] Change(LinkState from, LinkState to) => from.Settings == to.Settings ? [] : [new ChangeLink(from, to)];

    private static PlanStep ToDesired(TableDifference difference)
    {
        Table desired = difference.Desired!;
        return difference.Observed is not Table observed ? new CreateTable(desired)
            : observed.Chains.ToHashSet().SetEquals(desired.Chains) && observed.Flags == desired.Flags
            ? new UpdateTable(NftTableReader.WithCounts(desired, observed), observed)
            : new CreateTable(desired, Replaces: true);
    }

    private static RoutePlace PlaceOf(RouteState route) =>
        new(route.Table, route.Family, route.Metric, route.TypeOfService, route.Destination, route.PrefixLength);

    /// <summary>What the kernel has one route for: a route takes the place of another of the same.</summary>
    private readonly record struct RoutePlace(
        uint Table, AddressFamily Family, uint Metric, byte TypeOfService, IPAddress Destination, int PrefixLength);

    private static SetSysctl Set(SysctlDifference sysctl) => new(sysctl.Sysctl, sysctl.Desired);

    private static PlanStep Add(RouteDifference route) => new ReplaceRoute(route.Route);

    private static DeleteRoute Delete(RouteDifference route) => new(route.Route);
}
