using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State.Nftables;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>One difference between the kernel's state and the desired state. <see cref="object.ToString"/> describes it.</summary>
public abstract record Difference
{
    /// <summary>
    /// All differences between <paramref name="desired"/> and <paramref name="observed"/>: the only comparison in the program.
    /// Foreign objects do not count: addresses and routes that others added to the egress interface, and non-default routes of the
    /// main table.
    /// </summary>
    public static ImmutableArray<Difference> Between(NetworkState desired, NetworkState observed)
    {
        ArgumentNullException.ThrowIfNull(desired);
        ArgumentNullException.ThrowIfNull(observed);
        HashSet<AddressState> addresses = [.. observed.Addresses];
        Dictionary<IPAddress, AddressState> byAddress = observed.Addresses.DistinctBy(address => address.Address)
            .ToDictionary(address => address.Address);
        LinkState? link = desired.Link is LinkState wanted && observed.Link is LinkState there
            ? wanted with { Settings = wanted.Settings.Or(there.Settings) } : desired.Link;
        return
        [
            .. link == observed.Link ? [] : new Difference[] { new LinkDifference(link, observed.Link) },
            .. desired.Addresses.Where(address => !addresses.Contains(address))
                .Select(address => new AddressDifference(address, byAddress.GetValueOrDefault(address.Address))),
            .. FormerAddresses(desired, observed).Select(address => new AddressDifference(null, address)),
            .. observed.Conflicts.Except(desired.Conflicts).Select(conflict => new ConflictDifference(conflict)),
            .. RouteDifferences(desired.Routes, observed.Routes),
            .. desired.Rules.Except(observed.Rules).Select(rule => new RuleDifference(rule, IsMissing: true)),
            .. observed.Rules.Except(desired.Rules).Select(rule => new RuleDifference(rule, IsMissing: false)),
            .. TableDifferences(desired.Table, observed.Table),
            .. desired.Sysctls.Where(wanted => ValueOf(observed, wanted.Key) != wanted.Value)
                .Select(wanted => new SysctlDifference(wanted.Key, wanted.Value, ValueOf(observed, wanted.Key))),
        ];
    }

    private static int? ValueOf(NetworkState state, Sysctl sysctl) => state.Sysctls.TryGetValue(sysctl, out int value) ? value : null;

    /// <summary>
    /// Addresses that the installed table accepts as sources but that are no longer wanted; all other addresses are foreign.
    /// </summary>
    private static IEnumerable<AddressState> FormerAddresses(NetworkState desired, NetworkState observed) =>
        desired.Link is null || observed.Table is null || desired.Table is null ? []
            : observed.Addresses
                .ExceptBy(desired.Addresses.Concat(desired.Shared).Select(address => address.Address), address => address.Address)
                .IntersectBy(NftTableReader.Addresses(observed.Table), address => address.Address);

    private static IEnumerable<Difference> RouteDifferences(ImmutableArray<RouteState> desired, ImmutableArray<RouteState> observed)
    {
        HashSet<RouteState> wanted = [.. desired.Select(route => route.Essence)];
        HashSet<RouteState> found = [.. observed.Select(route => route.Essence)];
        HashSet<AddressFamily> families = [.. desired.Where(route => route.Table == Route.MainTable && route.IsDefault)
            .Select(route => route.Family)];
        foreach (RouteState route in desired.Where(route => !found.Contains(route.Essence)))
        {
            yield return new RouteDifference(route, IsMissing: true);
        }

        // The attachment's own tables hold nothing else. The main table may, except a second default route of a wanted family.
        foreach (RouteState route in observed.Where(route => !wanted.Contains(route.Essence)))
        {
            bool isOurs = route.Table != Route.MainTable;
            if (isOurs || (route.IsDefault && families.Contains(route.Family)))
            {
                yield return new RouteDifference(route, IsMissing: false);
            }
        }
    }

    private static IEnumerable<Difference> TableDifferences(Table? desired, Table? observed)
    {
        if (desired is null && observed is null)
        {
            yield break;
        }

        ImmutableArray<string> details = desired is null || observed is null ? [] : [.. NftComparison.Between(desired, observed)];
        if (desired is null || observed is null || !details.IsEmpty)
        {
            yield return new TableDifference(desired, observed, details);
        }
    }
}

/// <summary>The egress interface is missing, different, or unwanted.</summary>
/// <param name="Desired">The wanted link, or null if none is wanted.</param>
/// <param name="Observed">The existing link, or null if there is none.</param>
public sealed record LinkDifference(LinkState? Desired, LinkState? Observed) : Difference
{
    /// <inheritdoc/>
    public override string ToString()
    {
        if (Desired is null || Observed is null)
        {
            return Desired is null ? $"link {Observed!.Name} still exists" : $"link {Desired.Name} is missing";
        }

        (string Field, object? Wanted, object? Found)[] fields =
        [
            ("name", Desired.Name, Observed.Name),
            ("kind", Desired.Kind, Observed.Kind),
            ("parent", Desired.Parent, Observed.Parent),
            .. Desired.Settings.Fields.Zip(Observed.Settings.Fields, (wanted, found) => (wanted.Name, wanted.Value, found.Value)),
        ];
        return $"link {Desired.Name}: " + string.Join(", ", fields.Where(field => !Equals(field.Wanted, field.Found))
            .Select(field => string.Create(CultureInfo.InvariantCulture, $"{field.Field} is {field.Found ?? "none"}, not {field.Wanted}")));
    }
}

/// <summary>An address of the egress interface is missing, different, or unwanted.</summary>
/// <param name="Address">The wanted address, or null if it is unwanted.</param>
/// <param name="Observed">The same address with another prefix length or a failed DAD, or null if it is missing.</param>
public sealed record AddressDifference(AddressState? Address, AddressState? Observed) : Difference
{
    /// <inheritdoc/>
    public override string ToString() => Address is null ? $"address {Observed} should not be there"
        : Observed is null ? $"address {Address} is missing"
        : Observed.DuplicateFound ? $"another host also has address {Address} (duplicate address detection failed)"
        : $"address {Address.Address} has prefix length {Observed.PrefixLength}, not {Address.PrefixLength}";
}

/// <summary>An address is missing in prevResult, on which later plugins rely.</summary>
/// <param name="Address">The address.</param>
public sealed record MissingFromPrevResult(AddressState Address) : Difference
{
    /// <inheritdoc/>
    public override string ToString() => $"prevResult has no address {Address} of the interface";
}

/// <summary>Another host has an address of the egress interface.</summary>
/// <param name="Conflict">The host and the address.</param>
public sealed record ConflictDifference(AddressConflict Conflict) : Difference
{
    /// <inheritdoc/>
    public override string ToString() => Conflict.WithOwnAddress;
}

/// <summary>A route is missing or unwanted.</summary>
/// <param name="Route">The route.</param>
/// <param name="IsMissing">Whether it is missing; otherwise it is unwanted.</param>
public sealed record RouteDifference(RouteState Route, bool IsMissing) : Difference
{
    /// <inheritdoc/>
    public override string ToString() => $"{Route.Family.Text()} route {Route} {(IsMissing ? "is missing" : "should not be there")}";
}

/// <summary>A routing rule is missing or unwanted.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="IsMissing">Whether it is missing; otherwise it is unwanted.</param>
public sealed record RuleDifference(RoutingRule Rule, bool IsMissing) : Difference
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Rule.Family.Text()} routing rule {RuleText.Of(Rule)} {(IsMissing ? "is missing" : "should not be there")}";
}

/// <summary>The nf_tables table is missing, different, or unwanted.</summary>
/// <param name="Desired">The wanted table, or null if none is wanted.</param>
/// <param name="Observed">The existing table, or null if there is none.</param>
/// <param name="Details">The differences between the two.</param>
public sealed record TableDifference(Table? Desired, Table? Observed, ImmutableArray<string> Details) : Difference
{
    /// <inheritdoc/>
    public override string ToString() =>
        Desired is null ? $"nftables table {Observed!.Name} still exists"
        : Observed is null ? $"nftables table {Desired.Name} is missing"
        : $"nftables table {Desired.Name}: {string.Join("; ", ShortList.Short(Details))}";
}

/// <summary>A sysctl has another value.</summary>
/// <param name="Sysctl">The parameter.</param>
/// <param name="Desired">The wanted value.</param>
/// <param name="Observed">The existing value, or null if the kernel has no such parameter.</param>
public sealed record SysctlDifference(Sysctl Sysctl, int Desired, int? Observed) : Difference
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"sysctl {Sysctl} is {Observed?.ToString(CultureInfo.InvariantCulture) ?? "not there"}, not {Desired}";
}
