using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressDataPath.Kernel;

/// <summary>One change of the kernel. Its text is the operation that an error names.</summary>
public abstract record Step
{
    /// <summary>Makes the link into the tunnel, down.</summary>
    public sealed record CreateTunnel(int Port, int Mtu) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"make link {Settings.Link} on UDP port {Port}, MTU {Mtu}";
    }

    /// <summary>Deletes the nf_tables table.</summary>
    public sealed record DeleteTable : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"delete nftables table {Settings.Table}";
    }

    /// <summary>Deletes the link into the tunnel.</summary>
    public sealed record DeleteTunnel(int Index) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"delete link {Settings.Link}";
    }

    /// <summary>Gives the link its address, its sysctls and its MTU, and sets it up.</summary>
    public sealed record SetUpTunnel(int Mtu) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"set link {Settings.Link} up, MTU {Mtu}";
    }

    /// <summary>Adds a route, or replaces the one with the same destination and priority.</summary>
    public sealed record SetRoute(Route Route) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"set route {RouteText.Of(Route)}";
    }

    /// <summary>Deletes a route.</summary>
    public sealed record DeleteRoute(Route Route) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"delete route {RouteText.Of(Route)}";
    }

    /// <summary>Adds a rule.</summary>
    public sealed record AddRule(RoutingRule Rule) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"add rule {RouteText.Of(Rule)}";
    }

    /// <summary>Deletes a rule.</summary>
    public sealed record DeleteRule(RoutingRule Rule) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"delete rule {RouteText.Of(Rule)}";
    }

    /// <summary>Adds an egress address.</summary>
    public sealed record AddAddress(LinkAddress Address, string Link) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"add address {Address.Address} to {Link}";
    }

    /// <summary>Deletes an egress address.</summary>
    public sealed record DeleteAddress(LinkAddress Address, string Link) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"delete address {Address.Address} from {Link}";
    }

    /// <summary>Makes the nf_tables table, or changes what differs.</summary>
    public sealed record SetTable(Table Wanted, Table? Observed) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"{(Observed is null ? "make" : "update")} nftables table {Settings.Table}";
    }

    /// <summary>
    /// Translates the connections of this node's pods as their new way needs it: the kernel decides on a translation only at the first
    /// packet of a connection.
    /// </summary>
    public sealed record RebindConnections(ImmutableArray<Rebinding> Slots) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"rebind connections of {string.Join(", ", Slots.Select(slot => slot.Address))}";
    }

    /// <summary>Gives the connections of an egress address to the node that holds it next.</summary>
    public sealed record HandOver(IPAddress Address) : Step
    {
        /// <inheritdoc/>
        public override string ToString() => $"hand over the connections of {Address}";
    }

    /// <summary>Ends the tracking of connections whose pod, slot or egress address is gone, so that nothing inherits them.</summary>
    /// <param name="Pods">Pods of this node that are no longer selected, or by another object.</param>
    /// <param name="Members">Pods of other nodes that no longer use an egress address of this node.</param>
    public sealed record ForgetConnections(
        ImmutableHashSet<IPAddress> Pods, ImmutableHashSet<IPAddress> Members, ImmutableHashSet<int> Slots,
        ImmutableHashSet<IPAddress> EgressAddresses) : Step
    {
        /// <summary>Whether there is anything to forget.</summary>
        public bool IsEmpty => Pods.IsEmpty && Members.IsEmpty && Slots.IsEmpty && EgressAddresses.IsEmpty;

        /// <inheritdoc/>
        public override string ToString() =>
            $"forget connections of {Pods.Count} pods here, {Members.Count} elsewhere, {Slots.Count} slots, {EgressAddresses.Count} egress addresses";
    }
}

/// <summary>A slot whose connections leave by another node now, or by this one.</summary>
/// <param name="Address">The egress address of the slot.</param>
/// <param name="IsHere">Whether they leave by this node, which then translates their source.</param>
public sealed record Rebinding(int Slot, IPAddress Address, bool IsHere);

/// <summary>Routes and rules as ip(8) shows them.</summary>
internal static class RouteText
{
    public static string Of(Route route) =>
        $"{(route.Type == RouteType.Unicast ? "" : route.Type.ToString().ToLowerInvariant() + " ")}"
        + $"{(route.Destination is null ? "default" : $"{route.Destination}/{route.PrefixLength}")}"
        + $"{(route.Tunnel() is IpTunnel tunnel ? $" into the tunnel to {tunnel.Destination}" : "")}"
        + $"{(route.Gateway is null ? "" : $" via {route.Gateway}")} table {route.Table} ({FamilyOf(route.Family)})";

    public static string Of(RoutingRule rule) =>
        $"fwmark 0x{rule.Mark:x}/0x{rule.Mask:x} lookup {rule.Table} ({FamilyOf(rule.Family)})";

    private static string FamilyOf(AddressFamily family) => family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
}
