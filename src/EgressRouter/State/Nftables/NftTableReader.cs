using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;
using Netlink.Wire;

namespace EgressRouter.State.Nftables;

/// <summary>A destination in a table, with its counters.</summary>
/// <param name="Destination">The destination.</param>
/// <param name="Connections">The number of connections redirected to it.</param>
/// <param name="Traffic">The traffic through the router in both directions.</param>
public sealed record CountedDestination(Destination Destination, ulong Connections, Counted Traffic);

/// <summary>
/// Reads the contents that <see cref="NftRuleset"/> wrote from an attachment's table. Skips anything else, which a privileged
/// process in the pod may have written.
/// </summary>
public static class NftTableReader
{
    /// <summary>Fields of keys and data are padded to four bytes.</summary>
    private const int PortLength = 4;

    /// <summary>The destinations by family, protocol and port; each family's fallback last.</summary>
    /// <param name="table">The table, as read from the kernel.</param>
    public static ImmutableArray<CountedDestination> Destinations(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return
        [
            .. Families.All.SelectMany(family => Ports(table, family)
                .OrderBy(port => (port.Destination as PortDestination)?.Protocol).ThenBy(
                    port => (port.Destination as PortDestination)?.FirstPort)
                .Concat(Fallbacks(table, family))),
        ];
    }

    /// <summary>The egress addresses, and an own address: the only source addresses that the table accepts on output.</summary>
    public static IEnumerable<IPAddress> Addresses(Table table) => SourcesOf(table, _ => true);

    /// <summary>The egress addresses that the table accepts only while the pod has them (high availability).</summary>
    public static IEnumerable<IPAddress> SharedAddresses(Table table) =>
        SourcesOf(table, rule => rule.Expressions.Any(part => part is FibExpression { Query: FibQuery.SourceType }));

    private static IEnumerable<IPAddress> SourcesOf(Table table, Func<Rule, bool> isMeant)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.Rules.Where(rule => rule.Chain == NftRuleset.GuardChain && isMeant(rule))
            .SelectMany(rule => rule.Expressions.Zip(rule.Expressions.Skip(1)))
            .Where(pair => pair is { First: PayloadExpression { Offset: not NftParts.Ipv4Destination }, Second: CmpExpression })
            .Select(pair => ((CmpExpression)pair.Second).Value).Where(value => IsAddress(value.Length))
            .Select(value => new IPAddress(value.Span))
            .Where(address => !address.Equals(IPAddress.IPv6Any));
    }

    /// <summary>
    /// The wanted table with the counters of all objects that it keeps, so that an update does not reset them. Of the counted ports,
    /// only those of kept destinations remain.
    /// </summary>
    /// <param name="observed">The table that it replaces.</param>
    public static Table WithCounts(Table wanted, Table observed)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(observed);
        HashSet<Rule> rules = [.. observed.Rules];
        return wanted with
        {
            Rules = [.. wanted.Rules.Select(rule => rules.TryGetValue(rule, out Rule? old) ? old : rule)],
            Maps = [.. wanted.Maps.Select(map => observed.Maps.FirstOrDefault(map.HasDefinitionOf) is Map old
                ? map with { Elements = Elements(map, old, wanted, observed) }
                : map)],
        };
    }

    private static ImmutableArray<MapElement> Elements(Map map, Map old, Table wanted, Table observed)
    {
        if (!map.IsDynamic)
        {
            HashSet<MapElement> known = [.. old.Elements];
            return [.. map.Elements.Select(element => known.TryGetValue(element, out MapElement counted) ? counted : element)];
        }

        AddressFamily family = NftRuleset.FamilyOfTraffic(map.Name);
        var kept = new Redirections(
            [.. Ports(wanted, family).Select(port => port.Destination).Intersect(Ports(observed, family).Select(port => port.Destination))],
            []);
        return [.. old.Elements.Where(element => IsKey(element.Key) && kept.Of(family, ProtocolOf(element.Key),
            PortOf(element.Key)) is not null)];
    }

    private static IEnumerable<CountedDestination> Ports(Table table, AddressFamily family)
    {
        var traffic = new PortCounts(Elements(table, NftRuleset.TrafficSet(family)));
        foreach (MapElement element in Elements(table, NftRuleset.PortsMap(family)).Concat(Elements(table, NftRuleset.RangesMap(family))))
        {
            if (ToDestination(element, family) is not PortDestination port)
            {
                continue;
            }

            Counted passed = traffic.Of(port);
            // Both counters include the first packet of each connection.
            yield return new CountedDestination(port, element.Counted.Packets, new Counted(
                passed.Packets - Math.Min(passed.Packets, element.Counted.Packets),
                passed.Bytes - Math.Min(passed.Bytes, element.Counted.Bytes)));
        }
    }

    private static IEnumerable<CountedDestination> Fallbacks(Table table, AddressFamily family)
    {
        TableFamily number = family == AddressFamily.InterNetwork ? TableFamily.IPv4 : TableFamily.IPv6;
        bool IsOfFamily(Rule rule) =>
            rule.Expressions is [_, CmpExpression compare, CounterExpression, ..] && compare.Value.Length == 1
                && compare.Value.Span[0] == (byte)number;
        Counted Count(Rule rule) => rule.Expressions.OfType<CounterExpression>().First().Counted;
        Rule? redirect = table.Rules.FirstOrDefault(rule => rule.Chain == NftRuleset.DestinationsChain && IsOfFamily(rule));
        if (redirect?.Expressions.OfType<ImmediateExpression>().FirstOrDefault() is ImmediateExpression address
            && address.Value.Length == family.AddressBits() / 8)
        {
            Rule? passed = table.Rules.FirstOrDefault(rule => rule.Chain == NftRuleset.TrafficChain && IsOfFamily(rule));
            yield return new CountedDestination(
                new FallbackDestination(new IPAddress(address.Value.Span)), Count(redirect).Packets,
                passed is null ? default : Count(passed));
        }
    }

    /// <summary>The elements of a map that have a protocol and a port as their key.</summary>
    private static IEnumerable<MapElement> Elements(Table table, string map) =>
        table.Maps.Where(
            other => other.Name == map && NftRuleset.IsMap(other)).SelectMany(other => other.Elements).Where(element => IsKey(element.Key));

    private static PortDestination? ToDestination(MapElement element, AddressFamily family)
    {
        ReadOnlySpan<byte> data = element.Data.Span;
        int length = family.AddressBits() / 8;
        ushort first = PortOf(element.Key);
        ushort last = IsKey(element.KeyEnd) ? PortOf(element.KeyEnd) : first;
        TransportProtocol protocol = ProtocolOf(element.Key);
        if ((data.Length != length && data.Length != length + PortLength) || last < first || !Enum.IsDefined(protocol))
        {
            return null;
        }

        ushort target = data.Length > length ? BinaryPrimitives.ReadUInt16BigEndian(data[length..]) : first;
        return new PortDestination(protocol, first, last, new IPAddress(data[..length]), target == first ? null : target);
    }

    private static bool IsAddress(int length) => length is 4 or 16;

    /// <summary>The kernel pads a field with zeros; with other padding, a thousand keys could mean one port.</summary>
    private static bool IsKey(Bytes key) => key.Span is [_, 0, 0, 0, _, _, 0, 0];

    private static TransportProtocol ProtocolOf(Bytes key) => (TransportProtocol)key.Span[0];

    private static ushort PortOf(Bytes key) => BinaryPrimitives.ReadUInt16BigEndian(key.Span[PortLength..]);

    /// <summary>Prefix sums of the counters in port order: a port range costs no more than a single port.</summary>
    private sealed class PortCounts
    {
        private readonly int[] _ports;
        private readonly Counted[] _before;

        public PortCounts(IEnumerable<MapElement> elements)
        {
            MapElement[] ordered = [.. elements.OrderBy(element => Number(ProtocolOf(element.Key), PortOf(element.Key)))];
            _ports = [.. ordered.Select(element => Number(ProtocolOf(element.Key), PortOf(element.Key)))];
            _before = new Counted[ordered.Length + 1];
            for (int i = 0; i < ordered.Length; i++)
            {
                _before[i + 1] = _before[i] + ordered[i].Counted;
            }
        }

        public Counted Of(PortDestination port)
        {
            (Counted begin, Counted end) = (_before[IndexOf(Number(port.Protocol, port.FirstPort))],
                _before[IndexOf(Number(port.Protocol, port.LastPort) + 1)]);
            return new Counted(end.Packets - begin.Packets, end.Bytes - begin.Bytes);
        }

        /// <summary>The index of the first port that is not lower. Ports are unique.</summary>
        private int IndexOf(int port) => Array.BinarySearch(_ports, port) is int index && index < 0 ? ~index : index;

        private static int Number(TransportProtocol protocol, ushort port) => ((int)protocol << 16) | port;
    }
}
