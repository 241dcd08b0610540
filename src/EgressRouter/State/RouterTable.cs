using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;

namespace EgressRouter.State;

/// <summary>A destination as a table has it, with what was counted for it.</summary>
/// <param name="Destination">The destination.</param>
/// <param name="Connections">How many were redirected to it.</param>
/// <param name="Traffic">What passed through the router for it, in both directions.</param>
public sealed record CountedDestination(Destination Destination, ulong Connections, Counted Traffic);

/// <summary>Reads a table of ours back: what <see cref="Ruleset"/> has written into it.</summary>
public static class RouterTable
{
    /// <summary>The destinations by family, protocol and port; those for all other ports last.</summary>
    /// <param name="table">The table, as the kernel has it.</param>
    public static ImmutableArray<CountedDestination> Destinations(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return
        [
            .. Families.All.SelectMany(family => Ports(table, family)
                .OrderBy(port => (port.Destination as PortDestination)?.Protocol).ThenBy(port => (port.Destination as PortDestination)?.FirstPort)
                .Concat(Fallbacks(table, family))),
        ];
    }

    /// <summary>The egress addresses: the only sources that the table lets out.</summary>
    public static IEnumerable<IPAddress> Addresses(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.Rules.Where(rule => rule.Chain == Ruleset.GuardChain)
            .SelectMany(rule => rule.Expressions.Zip(rule.Expressions.Skip(1)))
            .Where(pair => pair is { First: PayloadExpression, Second: CompareExpression })
            .Select(pair => new IPAddress(((CompareExpression)pair.Second).Value.Span))
            .Where(address => !address.Equals(IPAddress.IPv6Any));
    }

    /// <summary>
    /// The wanted table, with what was counted for all that it keeps, so that a change does not begin at nothing. Of the
    /// ports that are counted only those of kept destinations stay.
    /// </summary>
    /// <param name="wanted">The wanted table.</param>
    /// <param name="observed">The table that it takes the place of.</param>
    public static Table WithCounts(Table wanted, Table observed)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(observed);
        return wanted with
        {
            Rules = [.. wanted.Rules.Select(rule => observed.Rules.FirstOrDefault(rule.Equals) ?? rule)],
            Maps = [.. wanted.Maps.Select(map => observed.Maps.FirstOrDefault(map.HasDefinitionOf) is Map old ? map with { Elements = Elements(map, old, wanted, observed) } : map)],
        };
    }

    private static ImmutableArray<MapElement> Elements(Map map, Map old, Table wanted, Table observed)
    {
        if (!map.IsDynamic)
        {
            Dictionary<MapElement, MapElement> known = old.Elements.ToDictionary(element => element);
            return [.. map.Elements.Select(element => known.GetValueOrDefault(element, element))];
        }

        AddressFamily family = Ruleset.FamilyOfTraffic(map.Name);
        HashSet<(TransportProtocol, ushort)> kept = [.. Ports(wanted, family).Select(port => port.Destination)
            .Intersect(Ports(observed, family).Select(port => port.Destination)).OfType<PortDestination>().SelectMany(Keys)];
        return [.. old.Elements.Where(element => kept.Contains(KeyOf(element)))];
    }

    private static IEnumerable<CountedDestination> Ports(Table table, AddressFamily family)
    {
        Dictionary<(TransportProtocol, ushort), Counted> traffic = table.Maps.Where(map => map.Name == Ruleset.TrafficSet(family))
            .SelectMany(map => map.Elements).ToDictionary(KeyOf, element => element.Counted);
        foreach (MapElement element in table.Maps.Where(map => !map.IsDynamic).SelectMany(map => map.Elements).Where(element => FamilyOf(element) == family))
        {
            PortDestination port = ToDestination(element);
            Counted passed = Keys(port).Aggregate(default(Counted), (sum, key) => sum + traffic.GetValueOrDefault(key));
            // The first packet of each connection is in both counters.
            yield return new CountedDestination(port, element.Counted.Packets, new Counted(
                passed.Packets - Math.Min(passed.Packets, element.Counted.Packets), passed.Bytes - Math.Min(passed.Bytes, element.Counted.Bytes)));
        }
    }

    private static IEnumerable<CountedDestination> Fallbacks(Table table, AddressFamily family)
    {
        TableFamily number = family == AddressFamily.InterNetwork ? TableFamily.IPv4 : TableFamily.IPv6;
        bool IsOfFamily(Rule rule) => rule.Expressions is [_, CompareExpression compare, CounterExpression, ..] && compare.Value.Length == 1 && compare.Value.Span[0] == (byte)number;
        Counted Count(Rule rule) => rule.Expressions.OfType<CounterExpression>().First().Counted;
        Rule? redirect = table.Rules.FirstOrDefault(rule => rule.Chain == Ruleset.DestinationsChain && IsOfFamily(rule));
        if (redirect?.Expressions.OfType<ImmediateExpression>().FirstOrDefault() is ImmediateExpression address)
        {
            Rule? passed = table.Rules.FirstOrDefault(rule => rule.Chain == Ruleset.TrafficChain && IsOfFamily(rule));
            yield return new CountedDestination(new FallbackDestination(new IPAddress(address.Value.Span)), Count(redirect).Packets, passed is null ? default : Count(passed));
        }
    }

    private static PortDestination ToDestination(MapElement element)
    {
        ReadOnlySpan<byte> data = element.Data.Span;
        bool hasPort = data.Length is 8 or 20;
        ushort first = PortOf(element.Key.Span);
        ushort target = hasPort ? BinaryPrimitives.ReadUInt16BigEndian(data[^4..]) : first;
        return new PortDestination(
            (TransportProtocol)element.Key.Span[0], first, element.KeyEnd.Length > 0 ? PortOf(element.KeyEnd.Span) : first,
            new IPAddress(hasPort ? data[..^4] : data), target == first ? null : target);
    }

    private static AddressFamily FamilyOf(MapElement element) => element.Data.Length is 4 or 8 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    private static IEnumerable<(TransportProtocol, ushort)> Keys(PortDestination port) =>
        Enumerable.Range(port.FirstPort, port.LastPort - port.FirstPort + 1).Select(number => (port.Protocol, (ushort)number));

    private static (TransportProtocol, ushort) KeyOf(MapElement element) => ((TransportProtocol)element.Key.Span[0], PortOf(element.Key.Span));

    private static ushort PortOf(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt16BigEndian(key[4..]);
}
