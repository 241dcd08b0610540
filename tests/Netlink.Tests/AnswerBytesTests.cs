using System.Text;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;
using Shared;

namespace Netlink.Tests;

/// <summary>What the kernel answered to ip(8) and nft(8) becomes the right records. Each file names the command.</summary>
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
    public void Routes(string file) => Verify(file, Route.Read);

    [Fact]
    public void Rules() => Verify("rule-list", RoutingRule.Read);

    [Fact]
    public void An_error_carries_the_kernels_own_words()
    {
        var reader = new MessageReader(CapturedBytes.Read("error-with-text"));
        Assert.True(reader.Next(out Message message));
        NetlinkException? error = KernelError.Read(message, "add route 10.0.0.0/8 via 172.16.0.1");
        Assert.Equal("add route 10.0.0.0/8 via 172.16.0.1: Nexthop has invalid gateway (ENETUNREACH)", error?.Message);
    }

    /// <summary>Both ways: the records that make nft's bytes are read back from what the kernel tells nft.</summary>
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
                case 6: rules.Add(NetFilter.Rule.Read(message).Rule); break;
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
