using System.Text;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;
using Shared;

namespace Netlink.Tests;

/// <summary>The kernel's answers to ip(8) and nft(8) are parsed to the right records. Each file names the command.</summary>
public class AnswerBytesTests
{
    private delegate object Parser(Message message);

    [Theory]
    [InlineData("link-get")]
    [InlineData("link-get-ipvlan")]
    [InlineData("link-get-vxlan")]
    public void Links(string file) => Verify(file, Link.Read);

    [Theory]
    [InlineData("address-list")]
    [InlineData("address-list-lifetime")]
    public void Addresses(string file) => Verify(file, LinkAddress.Read);

    [Theory]
    [InlineData("route-list-main")]
    [InlineData("route-list-table")]
    [InlineData("route-list-ipv6")]
    [InlineData("route-list-tunnel")]
    [InlineData("route-list-tunnel-ipv6")]
    [InlineData("route-get")]
    [InlineData("route-get-hops")]
    public void Routes(string file) => Verify(file, Route.Read);

    /// <summary>One next hop, and several with gateways of either family.</summary>
    [Theory]
    [InlineData("route-get", "192.168.12.1 by 2")]
    [InlineData("route-get-hops", "192.168.12.1 by 2, fe80::1 by 2")]
    [InlineData("route-add-hops", "192.168.12.1 by 2, fe80::1 by 2")]
    public void Next_hops(string file, string expected)
    {
        var reader = new MessageReader(CapturedBytes.Read(file));
        Assert.True(reader.Next(out Message message));
        Assert.Equal(expected, string.Join(", ", Route.Read(message).NextHops().Select(hop => $"{hop.Gateway} by {hop.OutputInterface}")));
    }

    /// <summary>RTA_VIA without hops, a route with only the ID of a next-hop object, and malformed attributes.</summary>
    [Theory]
    [InlineData("160012000a00fe800000000000000000000000000001" + "0000" + "0800040003000000", "fe80::1 by 3")]
    [InlineData("08001e000a000000", "")]
    [InlineData("0c0009000900000003000000", null)]
    [InlineData("0800090009000000", null)]
    [InlineData("0700120002000100", null)]
    public void Next_hops_of_attributes(string attributes, string? expected)
    {
        byte[] header = [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0];
        byte[] payload = [.. header, .. Convert.FromHexString(attributes)];
        byte[] bytes = [.. BitConverter.GetBytes(16 + payload.Length), 24, 0, .. new byte[10], .. payload];
        if (expected is null)
        {
            Assert.Equal(Errno.EPROTO, Assert.Throws<NetlinkException>(() => ReadFirst(bytes).NextHops()).Number);
        }
        else
        {
            Assert.Equal(expected, string.Join(", ", ReadFirst(bytes).NextHops().Select(hop => $"{hop.Gateway} by {hop.OutputInterface}")));
        }
    }

    /// <summary>
    /// The kernel returns the flags dead (1), offloaded (8) and linkdown (16), but does not accept them. It accepts onlink (4).
    /// </summary>
    [Fact]
    public void What_the_kernel_adds_to_next_hops_is_not_kept()
    {
        byte[] header = [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0];
        byte[] payload = [.. header,
            .. Convert.FromHexString("24000900" + "1000150002000000" + "080005000a810201" + "1000080003000000" + "080005000a810202")];
        byte[] bytes = [.. BitConverter.GetBytes(16 + payload.Length), 24, 0, .. new byte[10], .. payload];
        Assert.Equal(
            "24000900" + "1000040002000000" + "080005000a810201" + "1000000003000000" + "080005000a810202",
            $"{ReadFirst(bytes).OtherAttributes}");
    }

    private static Route ReadFirst(byte[] bytes)
    {
        var reader = new MessageReader(bytes);
        Assert.True(reader.Next(out Message message));
        return Route.Read(message);
    }

    [Fact]
    public void Rules() => Verify("rule-list", RoutingRule.Read);

    [Fact]
    public void An_error_carries_the_kernels_own_words()
    {
        var reader = new MessageReader(CapturedBytes.Read("error-with-text"));
        Assert.True(reader.Next(out Message message));
        NetlinkException? error = NetlinkErrorReader.Read(message, "add route 10.0.0.0/8 via 172.16.0.1");
        Assert.Equal("add route 10.0.0.0/8 via 172.16.0.1: Nexthop has invalid gateway (ENETUNREACH)", error?.Message);
    }

    /// <summary>Tunnels of both families in routes of both families, each as it was asked for.</summary>
    [Theory]
    [InlineData("route-list-tunnel", "77 to 192.0.2.12 from 192.0.2.11 TTL 64")]
    [InlineData("route-list-tunnel-ipv6", "77 to 192.0.2.12 from  TTL 64, 77 to fd00:2::12 from fd00:2::11 TTL 64")]
    [InlineData("route-list-main", "none, none, none")]
    public void Tunnels(string file, string expected)
    {
        var found = new List<string>();
        var reader = new MessageReader(CapturedBytes.Read(file));
        while (reader.Next(out Message message))
        {
            found.Add(Route.Read(message).Tunnel() is IpTunnel tunnel
                ? $"{tunnel.Id} to {tunnel.Destination} from {tunnel.Source} TTL {tunnel.TimeToLive}" : "none");
        }

        Assert.Equal(expected, string.Join(", ", found));
    }

    /// <summary>
    /// LWTUNNEL_IP_FLAGS, an unknown attribute, a tunnel of MPLS, a type without a tunnel: the library cannot write these again.
    /// </summary>
    [Theory]
    [InlineData("1c00160008000200c000020c" + "06000600000100000500040040000000" + "0600150002000000", null)]
    [InlineData("1400160008000200c000020c" + "0800090000000000" + "0600150002000000", null)]
    [InlineData("0c00160008000200c000020c" + "0600150001000000", null)]
    [InlineData("0600150002000000", null)]
    [InlineData("0c00160008000200c000020c" + "0600150002000000", "192.0.2.12")]
    public void Another_tunnel_is_none(string attributes, string? expected) =>
        Assert.Equal(expected, IpTunnel.In(new Bytes(Convert.FromHexString(attributes)))?.Destination.ToString());

    /// <summary>The records that are written as nft's bytes are read back from the kernel's answer to nft.</summary>
    [Fact]
    public void A_table_is_read_back_as_it_was_written() => VerifyTable("table-list", Tables.Example);

    [Fact]
    public void A_table_of_verdicts_is_read_back_as_it_was_written() => VerifyTable("verdicts-list", VerdictTables.Example);

    [Fact]
    public void A_table_of_ranges_is_read_back_as_it_was_written() => VerifyTable("ranges-list", RangeTables.Example);

    private static void VerifyTable(string file, Table expected)
    {
        var counters = new List<NamedCounter>();
        var chains = new List<Chain>();
        var rules = new List<NetFilter.Rule>();
        var maps = new Dictionary<string, Map>();
        var elements = expected.Maps.ToDictionary(map => map.Name, _ => new List<MapElement>());
        var reader = new MessageReader(CapturedBytes.Read(file));
        while (reader.Next(out Message message))
        {
            switch (message.Type & 0xff)
            {
                case 3: chains.Add(Chain.Read(message).Chain); break;
                case 6: rules.Add(NetFilter.Rule.Read(message)); break;
                case 9: maps.TryAdd(Map.Read(message)!.Value.Map.Name, Map.Read(message)!.Value.Map); break;
                case 12: Map.ReadElements(message, elements[ExpressionFields.Of(message).Text(2)!]); break;
                case 18: counters.Add(NamedCounter.Read(message)!.Value.Counter); break;
                default: break;
            }
        }

        Assert.Equal(expected.Counters.AsEnumerable(), counters.Distinct());
        Assert.Equal(expected.Chains.OrderBy(chain => chain.Name), chains.Distinct().OrderBy(chain => chain.Name));
        Assert.Equal(expected.Rules.Select(rule => rule.ToString()), rules.Select(rule => rule.ToString()));
        Assert.Equal(expected.Rules.AsEnumerable(), rules);
        Assert.All(expected.Maps, map => Assert.True(map.HasDefinitionOf(maps[map.Name]), map.Name));
        Assert.All(expected.Maps, map => Assert.Equal(
            map.Elements.ToHashSet(), map.ElementsOf([.. elements[map.Name].Distinct()]).ToHashSet()));
    }

    private static void Verify(string file, Parser read)
    {
        var text = new StringBuilder();
        var reader = new MessageReader(CapturedBytes.Read(file));
        while (reader.Next(out Message message))
        {
            text.Append(read(message)).Append('\n');
        }

        Golden.Verify(text.ToString(), "netlink", file);
    }
}
