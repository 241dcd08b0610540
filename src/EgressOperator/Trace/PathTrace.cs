using System.Collections.Immutable;
using System.Net;
using EgressDataPath.Desired;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressOperator.Trace;

/// <summary>What becomes of new connections.</summary>
internal enum Fate
{
    /// <summary>The table has nothing of the pod.</summary>
    NotServed,

    /// <summary>The destination is reached without an egress address.</summary>
    Excluded,

    /// <summary>No node has an address, and the EgressIP fails open: they have the node's address.</summary>
    FailsOpen,

    /// <summary>They wait for an address.</summary>
    Held,

    /// <summary>They are dropped for another reason.</summary>
    Dropped,

    /// <summary>They leave with an egress address.</summary>
    Leaves,
}

/// <summary>What the kernel of a node has.</summary>
/// <param name="EgressAddresses">Those on links of this node.</param>
/// <param name="RouteTo">The route of a packet with a mark; null: there is none.</param>
internal sealed record TracedNode(
    Table Table, IReadOnlyCollection<Link> Links, IReadOnlyCollection<IPAddress> EgressAddresses, Func<IPAddress, uint, Route?> RouteTo)
{
    /// <summary>The link that a route leads out by; of several, the first.</summary>
    public Link? LinkOf(Route? route) =>
        (route?.OutputInterface ?? (route?.NextHops() is [NextHop hop, ..] ? hop.OutputInterface : null)) is int index
            ? Links.FirstOrDefault(link => link.Index == index) : null;
}

/// <summary>The way of an egress address.</summary>
/// <param name="Tunnel">The other end of the tunnel; null: packets leave by this node.</param>
/// <param name="Fault">Why packets do not get there; null: they do.</param>
internal sealed record WayTrace(IPAddress Address, string Node, IPAddress? Tunnel, string Link, int Mtu, string? Fault);

/// <summary>What a table does with new connections.</summary>
/// <param name="Chain">That of the EgressIP; null: the packet comes to none.</param>
/// <param name="Ways">Each address with the chain of its way.</param>
internal sealed record Outcome(Fate Fate, string? Chain, ImmutableArray<(IPAddress Address, string Chain)> Ways)
{
    public static Outcome Of(ImmutableArray<Passage> passages)
    {
        Passage first = passages[0];
        string? chain = first.Chains.FirstOrDefault(name => name.StartsWith(EgressTable.ObjectPrefix, StringComparison.Ordinal));
        ImmutableArray<(IPAddress, string)> ways = [.. passages.Where(passage => !passage.IsDropped).SelectMany(passage => passage.Chains
            .Select(EgressTable.AddressOf).OfType<IPAddress>().Select(address => (address, passage.Chains[^1])))
            .OrderBy(way => way.address.ToString(), StringComparer.Ordinal)];
        return new Outcome(
            first.IsDropped && ways.IsEmpty ? first.Counter == EgressTable.Held ? Fate.Held : Fate.Dropped
                : chain is null ? Fate.NotServed
                : !ways.IsEmpty ? Fate.Leaves
                : first.Packet.ConnectionMark != 0 ? Fate.FailsOpen : Fate.Excluded,
            chain,
            ways);
    }

    public bool IsSame(Outcome other) => (Fate, Chain) == (other.Fate, other.Chain) && Ways.SequenceEqual(other.Ways);

    /// <summary>In a few words.</summary>
    public string Text(Func<IPAddress, string> nameOf) => Fate switch
    {
        Fate.NotServed => "no EgressIP serves the pod",
        Fate.Excluded => "the destination is excluded",
        Fate.FailsOpen => "the address of the pod's node, because the EgressIP fails open",
        Fate.Held => "held",
        Fate.Dropped => "dropped",
        _ => string.Join(", ", Ways.Select(way => $"{way.Address} by "
            + (EgressTable.NodeOf(way.Chain) is IPAddress node ? $"node {nameOf(node)}" : "this node"))),
    } + (Chain is null ? "" : $" ({Chain})");
}

/// <summary>What becomes of new connections of a pod to a destination.</summary>
/// <param name="Why">The reason of the fate, after the destination; empty if there is nothing to say.</param>
/// <param name="Counted">The packets that the counter has counted so far.</param>
/// <param name="Waiting">Addresses that new connections do not get, and why.</param>
/// <param name="ByApi">What would become of them by the API; null: the same.</param>
internal sealed record PathTrace(
    IPAddress Destination, Fate Fate, string Why, string? Counter, ulong Counted, ImmutableArray<WayTrace> Ways,
    ImmutableArray<(IPAddress Address, string Reason)> Waiting, string ByKernel, string? ByApi)
{
    public string CounterText => $"(counter {Counter}: {Counted} packets so far)";

    public bool IsWell => ByApi is null && Fate is not (Fate.Held or Fate.Dropped) && Ways.All(way => way.Fault is null);

    public static PathTrace Of(TracedNode node, TracedCluster cluster, string? owner, IPAddress source, IPAddress destination, int port)
    {
        // The table asks this about the packet too.
        RouteType type = node.RouteTo(destination, 0)?.Type ?? RouteType.Unreachable;
        var packet = new TracedPacket(source, destination, port, node.LinkOf(node.RouteTo(source, 0))?.Name ?? "", type);
        ImmutableArray<Passage> passages = PacketWalk.Through(node.Table, NetFilterHook.PreRouting, packet);
        var kernel = Outcome.Of(passages);
        var api = Outcome.Of(PacketWalk.Through(cluster.Table, NetFilterHook.PreRouting, packet));
        string? inside = cluster.Inside(destination);
        // Nobody but the agent knows what its option --exclude names.
        bool isSame = kernel.IsSame(api)
            || (kernel.Fate == Fate.Excluded && kernel.Chain == api.Chain && inside is null && IsInside(passages[0]));
        return new PathTrace(
            destination,
            kernel.Fate,
            kernel.Fate == Fate.Excluded ? WhyExcluded(passages[0], inside, owner) : "",
            passages[0].IsDropped ? passages[0].Counter : null,
            node.Table.Counters.FirstOrDefault(counter => counter.Name == passages[0].Counter)?.Counted.Packets ?? 0,
            [.. passages.Where(passage => !passage.IsDropped).SelectMany(passage => passage.Chains.Select(EgressTable.AddressOf)
                .OfType<IPAddress>().Select(address => WayOf(node, cluster, passage, address)))],
            [.. kernel.Fate is Fate.Held or Fate.Leaves or Fate.FailsOpen
                ? cluster.Waiting(owner, destination.AddressFamily, kernel.Ways.Select(way => way.Address)) : []],
            kernel.Text(cluster.NameOf),
            isSame ? null : api.Text(cluster.NameOf));
    }

    private static bool IsInside(Passage passage) => passage.Match?.Set.StartsWith("inside", StringComparison.Ordinal) == true;

    private static string WhyExcluded(Passage passage, string? inside, string? owner) =>
        passage.Match is not (string set, MapElement element) ? passage.Packet.Type switch
        {
            RouteType.Local => "an address of this node",
            RouteType.Broadcast => "a broadcast address",
            RouteType.Multicast => "a multicast address",
            _ => "no address that this node has a route to",
        }
        : !IsInside(passage) ? $"in {RangeOf(element)}, which EgressIP {owner} excepts ({set})"
        : inside ?? $"in {RangeOf(element)}, by an option --exclude of the agent";

    private static string RangeOf(MapElement element)
    {
        var (first, last) = (new IPAddress(element.Key.Span), new IPAddress(element.KeyEnd.Span));
        return first.Equals(last) ? $"{first}" : $"{first}-{last}";
    }

    /// <summary>Follows a packet from the table to the link.</summary>
    private static WayTrace WayOf(TracedNode node, TracedCluster cluster, Passage passage, IPAddress address)
    {
        IPAddress? tunnel = EgressTable.NodeOf(passage.Chains[^1]);
        Route? route = node.RouteTo(passage.Packet.Destination, passage.Packet.Mark);
        Link? link = node.LinkOf(route);
        Passage? leaving = link is null ? null : PacketWalk.Through(
            node.Table, NetFilterHook.PostRouting, passage.Packet with { Output = link.Name })[0];
        string? fault = link is null ? "this node has no route there"
            : !Equals(route!.Tunnel()?.Destination, tunnel)
                ? $"the route leads out by {link.Name} to {route.Tunnel()?.Destination ?? route.Gateway}"
            : leaving!.IsDropped ? $"dropped (counter {leaving.Counter})"
            : tunnel is null && !leaving.Packet.Source.Equals(address) ? $"its source is {leaving.Packet.Source}"
            : tunnel is null && !node.EgressAddresses.Contains(address) ? "no link of this node has the address"
            : null;
        return new WayTrace(
            address, tunnel is null ? cluster.Node : cluster.NameOf(tunnel), tunnel, link?.Name ?? "",
            link is null ? 0 : Route.MtuIn(route!.OtherAttributes) ?? link.Mtu, fault);
    }
}
