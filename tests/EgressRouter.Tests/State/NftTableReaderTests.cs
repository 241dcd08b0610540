using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink.NetFilter;
using Netlink.Wire;

namespace EgressRouter.Tests.State;

/// <summary>Reads the plugin's own table, and one that another program has filled.</summary>
public class NftTableReaderTests
{
    private static readonly Table _table = Example.Present(
        "80 tcp 192.168.12.91", "8000-8100 tcp 192.168.12.92", "8000-8100 udp 192.168.12.93").Table!;

    [Fact]
    public void Each_destination_has_what_was_counted_for_its_ports()
    {
        Table table = With(
            _table, "traffic_ip",
            [.. new (byte, ushort, ulong)[] { (6, 79, 1000), (6, 80, 5), (6, 8000, 7), (6, 8050, 11), (6, 8100, 13), (6, 8101, 1000),
                (17, 8000, 17) }
            .Select(port => Element(port.Item1, port.Item2) with { Counted = new Counted(port.Item3, port.Item3 * 100) })]);
        Assert.Equal(
            ["80 tcp 192.168.12.91: 5", "8000-8100 tcp 192.168.12.92: 31", "8000-8100 udp 192.168.12.93: 17"],
            NftTableReader.Destinations(table).Select(counted => $"{counted.Destination}: {counted.Traffic.Packets}"));
    }

    /// <summary>Each range may cover 65,536 ports: sums visit only existing elements. Visiting each port took minutes.</summary>
    [Fact]
    public void Ranges_without_end_cost_no_more_than_single_ports()
    {
        MapElement all = Element(6, 1) with { KeyEnd = Key(6, ushort.MaxValue), Data = new Bytes([1, 2, 3, 4]) };
        Table table = With(
            With(_table, "ranges_ip", [.. Enumerable.Repeat(all, 20_000)]), "traffic_ip",
            [.. Enumerable.Range(0, 65_536).Select(port => Element(6, (ushort)port) with { Counted = new Counted(1, 1) })]);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.All(
            NftTableReader.Destinations(table).Where(counted => counted.Destination is PortDestination { FirstPort: 1 }),
            counted => Assert.Equal(65_535ul, counted.Traffic.Packets));
        Assert.NotEmpty(NftTableReader.WithCounts(_table, table).Maps);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_map_that_is_defined_otherwise_is_not_read()
    {
        Map ports = _table.Maps.Single(map => map.Name == "ports_ip");
        foreach (Map other in new[]
        {
            ports with { Key = [SetDataType.IPv4Address, SetDataType.IPv4Address] }, ports with { Data = [SetDataType.IPv4Address] },
            ports with { IsInterval = true },
            ports with { IsDynamic = true }, ports with { IsForeign = true }, ports with { Name = "ports" },
        })
        {
            Assert.False(NftRuleset.IsMap(other));
            Assert.DoesNotContain(
                NftTableReader.Destinations(_table with { Maps = [other] }), counted => counted.Destination is PortDestination);
        }

        Assert.All(_table.Maps, map => Assert.True(NftRuleset.IsMap(map)));
        Assert.All(_table.Chains, chain => Assert.True(NftRuleset.IsChain(chain.Name)));
    }

    /// <summary>The kernel does not check the padding bytes between protocol and port.</summary>
    [Fact]
    public void Keys_that_are_filled_up_with_anything_are_no_ports()
    {
        MapElement filled = Element(6, 81) with { Key = new Bytes([6, 0, 1, 0, 0, 81, 0, 0]), Data = new Bytes([1, 2, 3, 4, 0, 80, 0, 0]) };
        MapElement after = filled with { Key = new Bytes([6, 0, 0, 0, 0, 81, 0, 1]) };
        Assert.Empty(
            NftTableReader.Destinations(
                With(_table with { Maps = [_table.Maps.Single(map => map.Name == "ports_ip")] }, "ports_ip", [filled, after])));
    }

    [Fact]
    public void Elements_and_rules_that_come_twice_keep_their_counts()
    {
        MapElement element = _table.Maps.Single(map => map.Name == "ports_ip").Elements[0] with { Counted = new Counted(3, 4) };
        Table observed = With(_table, "ports_ip", [element, element]) with { Rules = [.. _table.Rules, .. _table.Rules] };
        Table kept = NftTableReader.WithCounts(_table, observed);
        Assert.Equal(new Counted(3, 4), kept.Maps.Single(map => map.Name == "ports_ip").Elements[0].Counted);
        Assert.True(kept.Rules.SequenceEqual(_table.Rules));
    }

    [Fact]
    public void Of_counted_ports_those_of_kept_destinations_stay()
    {
        Table observed = With(_table, "traffic_ip", [Element(6, 80), Element(6, 8050), Element(17, 8050), Element(6, 9000)]);
        Table wanted = Example.Present("80 tcp 192.168.12.94", "8000-8100 tcp 192.168.12.92").Table!;
        Assert.Equal(
            [Key(6, 8050)],
            NftTableReader.WithCounts(wanted, observed).Maps.Single(map => map.Name == "traffic_ip")
                .Elements.Select(element => element.Key));
    }

    /// <summary>Binary search among single ports, ranges and the fallback.</summary>
    [Fact]
    public void The_destination_of_a_port_is_found()
    {
        var redirections = new Redirections(
            [.. new[] { "80 tcp 192.168.12.91", "100-200 tcp 192.168.12.92", "300-400 tcp 192.168.12.93", "100-200 udp 192.168.12.94",
                "192.168.12.95" }.Select(Example.Destination)], []);
        string? Of(TransportProtocol protocol, ushort port) =>
            redirections.Of(AddressFamily.InterNetwork, protocol, port)?.Address.ToString();
        Assert.Equal(
            ["91", "95", "92", "92", "95", "95", "93", "95"],
            new ushort[] { 80, 99, 100, 200, 201, 299, 400, 401 }.Select(port => Of(TransportProtocol.Tcp, port)![^2..]));
        Assert.Equal("192.168.12.94", Of(TransportProtocol.Udp, 150));
        Assert.Null(redirections.Of(AddressFamily.InterNetworkV6, TransportProtocol.Tcp, 80));
    }

    private static Table With(Table table, string map, ImmutableArray<MapElement> elements) =>
        table with { Maps = [.. table.Maps.Select(other => other.Name == map ? other with { Elements = elements } : other)] };

    private static MapElement Element(byte protocol, ushort port) => new(Key(protocol, port), default, default);

    private static Bytes Key(byte protocol, ushort port)
    {
        byte[] key = [protocol, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(key.AsSpan(4), port);
        return new Bytes(key);
    }
}
