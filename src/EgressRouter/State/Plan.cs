using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.State.Nftables;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>One change to the kernel. <see cref="object.ToString"/> describes it for errors and logs.</summary>
public abstract record PlanStep;

/// <summary>Creates the egress interface, down, in the pod's namespace.</summary>
/// <param name="Link">The interface.</param>
public sealed record CreateLink(LinkState Link) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"create {Link.Kind?.Name} {Link.Name} on parent {Link.Parent}";
}

/// <summary>Deletes the egress interface with its addresses and routes.</summary>
/// <param name="Link">The interface.</param>
public sealed record DeleteLink(LinkState Link) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"delete link {Link.Name}";
}

/// <summary>Changes settings of the egress interface in one message.</summary>
/// <param name="From">The interface before.</param>
/// <param name="To">The interface after.</param>
public sealed record ChangeLink(LinkState From, LinkState To) : PlanStep
{
    /// <summary>The settings that change.</summary>
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

/// <summary>Deletes an address of the egress interface.</summary>
/// <param name="Address">The address.</param>
/// <param name="Link">The interface's name.</param>
public sealed record DeleteAddress(AddressState Address, string Link) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"delete address {Address} from {Link}";
}

/// <summary>Adds a route, or replaces the one with the same destination and metric.</summary>
/// <param name="Route">The route.</param>
public sealed record ReplaceRoute(RouteState Route) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"add route {Route}";
}

/// <summary>Adds a route unless one with its destination and metric exists: a route that another program adds meanwhile survives.</summary>
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
/// Deletes the conntrack entries of an attachment. Without its addresses, packets of a connection could not be delivered, and a
/// new connection with the same ports would reuse the old translation.
/// </summary>
/// <param name="Names">The attachment, whose connections have its marks.</param>
/// <param name="Addresses">The attachment's addresses: connections of the pod itself have no mark.</param>
public sealed record ForgetConnections(AttachmentNames Names, ImmutableArray<IPAddress> Addresses) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"forget connections of {string.Join(", ", ShortList.Short([Names.Interface, .. Addresses.Select(address => address.ToString())]))}";
}

/// <summary>
/// Deletes the conntrack entries of client connections that new connections would not match: the destination or egress address
/// was removed or changed, or the connection is not redirected and now would be. All others continue.
/// </summary>
/// <param name="Names">The attachment, whose connections have its marks.</param>
/// <param name="Redirections">The current destinations and egress addresses.</param>
public sealed record ForgetStaleConnections(AttachmentNames Names, Redirections Redirections) : PlanStep
{
    /// <summary>The step for an attachment's current destinations and addresses.</summary>
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
/// Updates the nf_tables table in one transaction while packets pass: the chains stay, and counters keep their values.
/// </summary>
/// <param name="Table">The wanted table, with initial counter values.</param>
/// <param name="Observed">The existing table.</param>
public sealed record UpdateTable(Table Table, Table Observed) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"update nftables table {Table.Name}";
}

/// <summary>Creates the nf_tables table with its contents.</summary>
/// <param name="Table">The table.</param>
/// <param name="Replaces">Whether it replaces a table of the same name, in one transaction.</param>
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

/// <summary>Sets a sysctl.</summary>
/// <param name="Sysctl">The parameter.</param>
/// <param name="Value">The value.</param>
public sealed record SetSysctl(Sysctl Sysctl, int Value) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => $"set sysctl {Sysctl}={Value}";
}

/// <summary>The steps from one state to another, ordered so that stopping at any point does no harm.</summary>
public static class Plan
{
    /// <summary>
    /// The steps to a complete attachment from nothing, from <see cref="StateBuilder.Reserved"/>, or from a damaged attachment. The
    /// order: the interface, down; its parameters; filtering and NAT; link up, hardware address, addresses, the attachment's routing
    /// tables and rules; the pod's default route; forwarding last.
    /// </summary>
    public static ImmutableArray<PlanStep> ToPresent(ImmutableArray<Difference> differences, LinkState link)
    {
        ArgumentNullException.ThrowIfNull(link);
        SysctlDifference[] sysctls = [.. differences.OfType<SysctlDifference>()];
        RouteDifference[] routes = [.. differences.OfType<RouteDifference>()];
        AddressDifference[] addresses = [.. differences.OfType<AddressDifference>()];
        HashSet<RouteKey> missing = [.. routes.Where(route => route.IsMissing).Select(route => KeyOf(route.Route))];
        HashSet<RouteKey> unwanted = [.. routes.Where(route => !route.IsMissing).Select(route => KeyOf(route.Route))];
        Dictionary<Sysctl, int> written = sysctls.ToDictionary(sysctl => sysctl.Sysctl, sysctl => sysctl.Desired);
        LinkDifference? changed = differences.OfType<LinkDifference>().FirstOrDefault();
        bool isMadeByKernel = addresses.Length > 0 || changed is not null;
        bool isNew = changed is not null && (changed.Observed is null || IsOther(link, changed.Observed));
        // A link is created down, with a hardware address that the kernel chooses.
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
            // Conflict detection runs while the link is up with the kernel's hardware address: replies to a hardware address that
            // another node uses too would go to that node.
            .. Change(up, link with { Settings = link.Settings.Or(up.Settings) }),
            .. addresses.Where(address => address.Observed is not null && !isNew).Select(
                address => new DeleteAddress(address.Observed!, link.Name)),
            .. addresses.Where(address => address.Address is not null).Select(address => new AddAddress(address.Address!, link.Name)),
            .. routes.Where(route => route.IsMissing && route.Route.Table != Route.MainTable).Select(Add),
            .. differences.OfType<RuleDifference>().Select(
                rule => rule.IsMissing ? new AddRule(rule.Rule) : (PlanStep)new DeleteRule(rule.Rule)),
            // The kernel adds its own routes with the address or at link up. A gateway's route precedes the routes through it.
            .. routes.Where(
                route => route.IsMissing && route.Route.Table == Route.MainTable
                    && (route.Route.Origin != RouteProtocol.Kernel || !isMadeByKernel))
                .Select(
                    route => route.Route.IsDefault && !unwanted.Contains(KeyOf(route.Route)) ? new AddRoute(route.Route) : Add(route)),
            .. routes.Where(route => !route.IsMissing && !missing.Contains(KeyOf(route.Route))).Select(Delete),
            .. sysctls.Where(sysctl => !IsForLinkDown(sysctl) && !IsWrittenWithAll(sysctl)).Select(Set),
        ];

        // Links come and go meanwhile; with "all" the kernel sets those that exist.
        bool IsWrittenWithAll(SysctlDifference difference) =>
            difference.Sysctl.AllLinksSysctl is Sysctl all && written.TryGetValue(all, out int value) && value == difference.Desired;

        // With these set, the kernel would announce at link up. The plugin sends the first announcement, after verification.
        bool IsForLinkDown(SysctlDifference difference) => difference.Sysctl.Link == link.Name && !difference.Sysctl.IsAnnouncement;
    }

    /// <summary>
    /// The steps from any remainder of an attachment to nothing. The interface is already deleted (<c>Removal</c>). The nf_tables table,
    /// which holds the saved state, is deleted last.
    /// </summary>
    /// <param name="differences">The existing objects of the attachment.</param>
    /// <param name="restored">The sysctls to restore.</param>
    /// <param name="forgotten">The connections to forget.</param>
    public static ImmutableArray<PlanStep> ToRemoved(
        ImmutableArray<Difference> differences, ImmutableSortedDictionary<Sysctl, int> restored, ForgetConnections forgotten)
    {
        ArgumentNullException.ThrowIfNull(restored);
        RouteDifference[] routes = [.. differences.OfType<RouteDifference>()];
        return
        [
            .. routes.Where(route => route.IsMissing).Select(Add),
            // Disable forwarding before the rules that direct it are deleted.
            .. Restore([.. differences.OfType<SysctlDifference>().Select(Set)], restored),
            .. differences.OfType<RuleDifference>().Select(rule => new DeleteRule(rule.Rule)),
            .. routes.Where(route => !route.IsMissing && route.Route.Table != Route.MainTable).Select(Delete),
            // While the rules still drop new connections, and before the last object of the attachment is deleted.
            forgotten,
            .. differences.OfType<TableDifference>().Select(table => new DeleteTable(table.Observed!)),
        ];
    }

    /// <summary>Restores "all" forwarding first: the kernel then sets every link's value, so each link's own value follows.</summary>
    private static SetSysctl[] Restore(SetSysctl[] steps, ImmutableSortedDictionary<Sysctl, int> restored)
    {
        HashSet<Sysctl> written = [.. steps.Select(step => step.Sysctl)];
        bool IsWrittenWith(Sysctl sysctl) => sysctl.AllLinksSysctl is Sysctl all && written.Contains(all);
        return
        [
            .. steps.Where(step => step.Sysctl.SetsAllLinks),
            .. steps.Where(step => !step.Sysctl.SetsAllLinks && !IsWrittenWith(step.Sysctl)),
            .. restored.Where(pair => IsWrittenWith(pair.Key)).Select(pair => new SetSysctl(pair.Key, pair.Value)),
        ];
    }

    /// <summary>Whether the existing link is a different one, which cannot be changed into the wanted one.</summary>
    private static bool IsOther(LinkState wanted, LinkState there) =>
        (wanted.Name, wanted.Kind, wanted.Parent) != (there.Name, there.Kind, there.Parent);

    private static ChangeLink[] Change(LinkState from, LinkState to) => from.Settings == to.Settings ? [] : [new ChangeLink(from, to)];

    private static PlanStep ToDesired(TableDifference difference)
    {
        Table desired = difference.Desired!;
        return difference.Observed is not Table observed ? new CreateTable(desired)
            : NftComparison.CanUpdate(desired, observed)
            ? new UpdateTable(NftTableReader.WithCounts(desired, observed), observed)
            : new CreateTable(desired, Replaces: true);
    }

    private static RouteKey KeyOf(RouteState route) =>
        new(route.Table, route.Family, route.Metric, route.TypeOfService, route.Destination, route.PrefixLength);

    /// <summary>The kernel's key of a route: a new route replaces the one with the same key.</summary>
    private readonly record struct RouteKey(
        uint Table, AddressFamily Family, uint Metric, byte TypeOfService, IPAddress Destination, int PrefixLength);

    private static SetSysctl Set(SysctlDifference sysctl) => new(sysctl.Sysctl, sysctl.Desired);

    private static PlanStep Add(RouteDifference route) => new ReplaceRoute(route.Route);

    private static DeleteRoute Delete(RouteDifference route) => new(route.Route);
}
