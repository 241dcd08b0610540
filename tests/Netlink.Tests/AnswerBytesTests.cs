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
    public void Links(string file) => Verify(file, Link.Read);

    [Fact]
    public void Addresses() => Verify("address-list", LinkAddress.Read);

    [Theory]
    [InlineData("route-list-main")]
    [InlineData("route-list-table")]
    [InlineData("route-list-ipv6")]
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

    /// <summary>The records that are written as nft's bytes are read back from the kernel's answer to nft.</summary>
    [Fact]
    public void A_table_is_read_back_as_it_was_written()
    {
        var chains = new List<Chain>();
        var rules = new List<NetFilter.Rule>();
        var maps = new Dictionary<string, Map>();
        var elements = new List<MapElement>();
        var reader = new MessageReader(CapturedBytes.Read("table-list"));
        while (reader.Next(out Message message))
        {
            switch (message.Type & 0xff)
            {
                case 3: chains.Add(Chain.Read(message).Chain); break;
                case 6: rules.Add(NetFilter.Rule.Read(message)); break;
                case 9: maps.TryAdd(Map.Read(message)!.Value.Map.Name, Map.Read(message)!.Value.Map); break;
                case 12: Map.ReadElements(message, elements); break;
                default: break;
            }
        }

        Table expected = Tables.Example;
        Assert.Equal(expected.Chains.OrderBy(chain => chain.Name), chains.Distinct().OrderBy(chain => chain.Name));
        Assert.Equal(expected.Rules.Select(rule => rule.ToString()), rules.Select(rule => rule.ToString()));
        Assert.Equal(expected.Rules.AsEnumerable(), rules);
        Assert.All(expected.Maps, map => Assert.True(map.HasDefinitionOf(maps[map.Name]), map.Name));
        Assert.Equal(
            expected.Maps.SelectMany(map => map.Elements).Select(element => element.ToString()).Order(),
            elements.Distinct().Select(element => element.ToString()).Order());
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
