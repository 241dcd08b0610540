using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;

namespace EgressRouter.State;

/// <summary>Finds the destination of a connection, and connections whose translation is outdated.</summary>
/// <param name="Destinations">The destinations, in any order.</param>
/// <param name="Addresses">The egress addresses.</param>
public sealed record Redirections(ImmutableArray<Destination> Destinations, ImmutableArray<IPAddress> Addresses)
{
    private readonly Dictionary<(AddressFamily, TransportProtocol, ushort), PortDestination> _single =
        Destinations.OfType<PortDestination>()
        .Where(port => port.FirstPort == port.LastPort)
        .DistinctBy(port => (port.Address.AddressFamily, port.Protocol, port.FirstPort))
        .ToDictionary(port => (port.Address.AddressFamily, port.Protocol, port.FirstPort));

    /// <summary>Ranges in order of their first port. The ranges of one entry do not overlap.</summary>
    private readonly Dictionary<(AddressFamily, TransportProtocol), PortDestination[]> _ranges = Destinations.OfType<PortDestination>()
        .Where(port => port.FirstPort != port.LastPort)
        .GroupBy(port => (port.Address.AddressFamily, port.Protocol))
        .ToDictionary(ranges => ranges.Key, ranges => ranges.OrderBy(range => range.FirstPort).ToArray());

    private readonly ILookup<AddressFamily, Destination> _fallbacks = Destinations.Where(destination => destination is FallbackDestination)
        .ToLookup(destination => destination.Address.AddressFamily);

    /// <summary>The destination for a family, protocol and port, or null if such a connection is not redirected.</summary>
    public Destination? Of(AddressFamily family, TransportProtocol protocol, ushort port) =>
        _single.GetValueOrDefault((family, protocol, port)) ?? RangeOf(family, protocol, port) ?? _fallbacks[family].FirstOrDefault();

    /// <summary>The destination of a connection, or null if such a connection is not redirected.</summary>
    public Destination? Of(ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ConntrackTuple original = connection.Original;
        return Of(original.Destination.AddressFamily, (TransportProtocol)original.Protocol, original.DestinationPort);
    }

    /// <summary>Whether the connection is redirected to another address, and not served by the pod itself.</summary>
    public static bool IsTranslatedElsewhere(ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return !connection.Reply.Source.Equals(connection.Original.Destination);
    }

    /// <summary>Whether the connection goes to a server in the pod, but a new one would be redirected.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="local">The pod's own addresses. Connections of the pod to itself are never redirected.</param>
    public bool IsMissed(ConntrackEntry connection, IReadOnlySet<IPAddress> local)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(local);
        return !IsTranslatedElsewhere(connection) && !AttachmentNames.IsFromOutside(connection)
            && local.Contains(connection.Original.Destination) && !local.Contains(connection.Original.Source) && Of(connection) is not null;
    }

    /// <summary>
    /// Whether a foreign NAT rule sends the connection elsewhere than to its destination, possibly to another port of the pod.
    /// </summary>
    public bool IsDiverted(ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        bool isTranslated = IsTranslatedElsewhere(connection) || connection.Reply.SourcePort != connection.Original.DestinationPort;
        return isTranslated && Of(connection) is Destination destination && !LeadsTo(destination, connection);
    }

    /// <summary>Whether a new connection would be redirected to another destination, from another address, or not at all.</summary>
    public bool IsStale(ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return IsTranslatedElsewhere(connection)
            && (Of(connection) is not Destination destination || !LeadsTo(destination,
                connection) || !Addresses.Contains(connection.Reply.Destination));
    }

    private PortDestination? RangeOf(AddressFamily family, TransportProtocol protocol, ushort port)
    {
        PortDestination[] ranges = _ranges.GetValueOrDefault((family, protocol), []);
        (int below, int above) = (-1, ranges.Length);
        while (above - below > 1)
        {
            int middle = (below + above) / 2;
            (below, above) = ranges[middle].FirstPort <= port ? (middle, above) : (below, middle);
        }

        return below >= 0 && ranges[below].LastPort >= port ? ranges[below] : null;
    }

    private static bool LeadsTo(Destination destination, ConntrackEntry connection) =>
        destination.Address.Equals(connection.Reply.Source)
        && ((destination as PortDestination)?.TargetPort ?? connection.Original.DestinationPort) == connection.Reply.SourcePort;
}
