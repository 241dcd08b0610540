using System.Net;
using System.Net.Sockets;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>The library's requests equal those of ip(8) and nft(8), byte for byte. Each file names the command.</summary>
public class RequestBytesTests
{
    private static readonly IPAddress _gateway = IPAddress.Parse("192.168.12.1");

    private static readonly Route _default = new() { Family = AddressFamily.InterNetwork, Gateway = _gateway, OutputInterface = 2 };

    private static readonly RoutingRule _markRule = new()
    {
        Family = AddressFamily.InterNetwork,
        Priority = 1001,
        Mark = 0xb2d0000,
        Mask = 0xffff0000,
        Table = 2861,
    };

    public static TheoryData<string, Action<RequestBatch>> Requests => new()
    {
        { "link-add-macvlan",
            batch => batch.CreateLink(
                "", new LinkRequest("net1", new Macvlan(MacvlanMode.Bridge), 2, new LinkSettings { Mtu = 1400, Group = 17746 }, 4)) },
        { "link-add-vxlan",
            batch => batch.CreateLink("", new LinkRequest("egress0", new Vxlan(4790), null, new LinkSettings { Mtu = 1464 }, null)) },
        { "link-set-name", batch => batch.SetName("", 2, "lo") },
        { "link-set-up", batch => batch.ChangeLink("", 2, new LinkSettings { IsUp = true }) },
        { "link-set-mtu", batch => batch.ChangeLink("", 2, new LinkSettings { Mtu = 1300 }) },
        { "link-set-address",
            batch => batch.ChangeLink("", 2, new LinkSettings { HardwareAddress = new MacAddress([2, 0, 0, 0, 0, 0x63]) }) },
        { "link-delete", batch => batch.DeleteLink("", 2) },
        { "address-add-ipv4", batch => batch.AddAddress("", new LinkAddress(2, IPAddress.Parse("192.168.12.99"), 24)) },
        { "address-add-ipv6",
            batch => batch.AddAddress("", new LinkAddress(2, IPAddress.Parse("2001:db8:12::99"), 64, AddressFlags.NoDad)) },
        { "address-add-lifetime",
            batch => batch.AddAddress(
                "", new LinkAddress(3, IPAddress.Parse("192.0.2.100"), 32) { Lifetime = new AddressLifetime(60, 90) }) },
        { "address-replace",
            batch => batch.ReplaceAddress(
                "", new LinkAddress(3, IPAddress.Parse("2001:db8:2::100"), 128, AddressFlags.NoDad | AddressFlags.NoPrefixRoute)) },
        { "route-add-gateway",
            batch => batch.AddRoute(
                "", _default with { Gateway = null, Destination = _gateway, PrefixLength = 32, Scope = RouteScope.Link }) },
        { "route-replace-default", batch => batch.ReplaceRoute("", _default) },
        { "route-add-table", batch => batch.AddRoute("", _default with { IsOnlink = true, Table = 2861 }) },
        { "route-add-unreachable",
            batch => batch.AddRoute(
                "",
                new Route { Family = AddressFamily.InterNetwork, Type = RouteType.Unreachable, Priority = uint.MaxValue, Table = 2861 }) },
        { "route-add-ipv6",
            batch => batch.AddRoute(
                "",
                new Route { Family = AddressFamily.InterNetworkV6, Destination = IPAddress.Parse("2001:db8:91::"), PrefixLength = 64,
                    Gateway = IPAddress.Parse("2001:db8:12::1"), OutputInterface = 2, Priority = 7 }) },
        { "route-replace-tunnel",
            batch => batch.ReplaceRoute(
                "",
                Tunnelled(null, 0, 7101, new IpTunnel(77, IPAddress.Parse("192.0.2.12"), 64, IPAddress.Parse("192.0.2.11"))) with
                {
                    Priority = 5,
                    Scope = RouteScope.Link,
                }) },
        { "route-add-tunnel-ipv6",
            batch => batch.AddRoute("", Tunnelled("fd00:244::2", 128, 7226, new IpTunnel(77, IPAddress.Parse("192.0.2.12"), 64))) },
        { "route-add-tunnel6",
            batch => batch.AddRoute(
                "",
                Tunnelled(
                    "fd00:244::3", 128, 7226, new IpTunnel(77, IPAddress.Parse("fd00:2::12"), 64, IPAddress.Parse("fd00:2::11")))) },
        { "route-delete", batch => batch.DeleteRoute("", _default) },
        { "rule-add-mark", batch => batch.AddRule("", _markRule) },
        { "rule-add-suppress",
            batch => batch.AddRule(
                "", _markRule with { Priority = 1000, Mark = 0xb2e0000, Table = Route.MainTable, SuppressGroup = 17746 }) },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_has_the_bytes_of_the_command_that_its_file_names(string file, Action<RequestBatch> write)
    {
        var batch = new RequestBatch();
        write(batch);
        Assert.Equal(CapturedBytes.Text(CapturedBytes.Read(file)), CapturedBytes.Text(batch.Writer.Written));
    }

    private static Route Tunnelled(string? destination, int prefixLength, uint table, IpTunnel tunnel) => new()
    {
        Family = destination is null ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6,
        Destination = destination is null ? null : IPAddress.Parse(destination),
        PrefixLength = prefixLength,
        OutputInterface = 3,
        Table = table,
        OtherAttributes = tunnel.ToAttributes(),
    };

    /// <summary>nft gets the table in the library's order: counters, chains, maps, rules.</summary>
    [Fact]
    public void A_table_has_the_bytes_that_nft_sends()
    {
        RequestBatch batch = NetFilterRequests.CreateTableBatch(Tables.Example).End();
        Assert.Equal(NftText(CapturedBytes.Read("table-create")), NftText(batch.Writer.Written));
    }

    [Fact]
    public void A_table_of_verdicts_has_the_bytes_that_nft_sends() => Assert.Equal(
        NftText(CapturedBytes.Read("verdicts-create")),
        NftText(NetFilterRequests.CreateTableBatch(VerdictTables.Example).End().Writer.Written));

    [Fact]
    public void A_table_of_ranges_has_the_bytes_that_nft_sends() => Assert.Equal(
        NftText(CapturedBytes.Read("ranges-create")),
        NftText(NetFilterRequests.CreateTableBatch(RangeTables.Example).End().Writer.Written));

    [Fact]
    public void A_change_of_ranges_has_the_bytes_that_nft_sends() => Assert.Equal(
        NftText(CapturedBytes.Read("ranges-change")),
        NftText(NetFilterRequests.UpdateTableBatch(RangeTables.Changed, RangeTables.Example).End().Writer.Written));

    [Fact]
    public void Single_changes_have_the_bytes_that_nft_sends() =>
        Assert.Equal(NftText(CapturedBytes.Read("verdicts-change")), NftText(VerdictTables.Change().End().Writer.Written));

    [Fact]
    public void Elements_of_maps_that_stay_have_the_bytes_that_nft_sends()
    {
        Table example = Tables.Example;
        // The request to delete an element omits its counters.
        Table before =
            example with
            {
                Maps = [example.Maps[0] with { Elements = [example.Maps[0].Elements[0] with { Counted = new Counted(1, 60) }] },
                .. example.Maps[1..]]
            };
        MapElement element = before.Maps[0].Elements[0] with { Data = new Bytes([192, 168, 12, 93, 0, 80, 0, 0]), Counted = default };
        Table after = before with
        {
            Maps = [before.Maps[0] with { Elements = [element] }, before.Maps[1] with { Elements = [] },
            before.Maps[2]]
        };
        RequestBatch batch = NetFilterRequests.UpdateTableBatch(after, before).End();
        Assert.Equal(NftText(CapturedBytes.Read("table-elements")), NftText(batch.Writer.Written));
    }

    /// <summary>
    /// Removes nft's own additions: notes on how to print a map and its elements (NFTA_SET_USERDATA, NFTA_SET_ELEM_USERDATA), a map's
    /// number in the batch beside its name (NFTA_LOOKUP_SET_ID, NFTA_SET_ELEM_LIST_SET_ID), and counters of elements to delete
    /// (NFTA_SET_ELEM_EXPR). Also removes the library's NLM_F_ACK of the last message.
    /// </summary>
    private static string NftText(ReadOnlySpan<byte> messages)
    {
        const ushort newSet = (10 << 8) | 9;
        const ushort newRule = (10 << 8) | 6;
        const ushort newElements = (10 << 8) | 12;
        const ushort deletedElements = (10 << 8) | 14;
        const ushort acknowledge = 4;
        var lines = new List<string>();
        var reader = new MessageReader(messages);
        while (reader.Next(out Message message))
        {
            string attributes = message.Type switch
            {
                newSet => Without(message.Attributes(4), 13),
                newElements => WithItems(message.Attributes(4), list: 3, element => Without(element, 6), without: 4),
                deletedElements => WithItems(message.Attributes(4), list: 3, element => Without(element, 6, 7)),
                newRule => WithItems(message.Attributes(4), list: 4, Text),
                _ => Convert.ToHexStringLower(message.Payload[4..]),
            };
            lines.Add(
                $"type {message.Type:x4} flags {message.Flags & ~acknowledge:x4} header {Convert.ToHexStringLower(message.Payload[..4])} {attributes}");
        }

        return string.Join('\n', lines);
    }

    private static string Text(AttributeReader expression)
    {
        expression.Next(out Wire.Attribute name);
        expression.Next(out Wire.Attribute data);
        return name.Text() + ":" + (name.Text() == "lookup" ? Without(data.Nested(), 4) : Convert.ToHexStringLower(data.Value));
    }

    private static string Without(AttributeReader attributes, params ReadOnlySpan<ushort> types)
    {
        var writer = new MessageWriter();
        while (attributes.Next(out Wire.Attribute attribute))
        {
            if (!types.Contains(attribute.Type))
            {
                writer.Attribute(attribute.Type, attribute.Value);
            }
        }

        return Convert.ToHexStringLower(writer.Written);
    }

    private delegate string ItemText(AttributeReader item);

    /// <summary>The attributes, with each item of the list as text.</summary>
    private static string WithItems(AttributeReader attributes, ushort list, ItemText text, ushort? without = null)
    {
        var parts = new List<string>();
        while (attributes.Next(out Wire.Attribute attribute))
        {
            if (attribute.Type == list)
            {
                AttributeReader items = attribute.Nested();
                while (items.Next(out Wire.Attribute item))
                {
                    parts.Add(text(item.Nested()));
                }
            }
            else if (attribute.Type != without)
            {
                parts.Add($"{attribute.Type}={Convert.ToHexStringLower(attribute.Value)}");
            }
        }

        return string.Join(' ', parts);
    }
}
