using System.Net;
using System.Net.Sockets;
using System.Text;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using Netlink.NetFilter;
using Netlink.Routing;
using Shared;
using static EgressDataPath.Tests.Examples;

namespace EgressDataPath.Tests;

public class DesiredStateTests
{
    [Fact]
    public void The_whole_state_of_a_node() => Golden.Verify(Text(StateOf(Full)), "egress-data-path", "full");

    [Fact]
    public void The_state_of_a_node_without_duties() => Golden.Verify(Text(StateOf(Duties.None)), "egress-data-path", "none");

    /// <summary>A packet of a pod must not find fewer or more rules because others exist.</summary>
    [Fact]
    public void The_rules_that_a_packet_passes_do_not_grow_with_pods_objects_and_addresses()
    {
        ServedObject[] objects = [.. Enumerable.Range(0, 500).Select(number => new ServedObject(
            $"object-{number}",
            [.. Enumerable.Range(0, 10).Select(pod => new IPAddress([10, 244, (byte)(number / 25), (byte)((number % 25 * 10) + pod)]))],
            [new EgressAddress(new IPAddress([198, 51, (byte)(100 + (number / 250)), (byte)(number % 250)]),
                new Way.Tunnel(Ip("192.0.2.12")))],
            [], FailsOpen: false))];
        Table many = StateOf(Full with { Objects = [.. objects] }).Table;
        Table one = StateOf(Full with { Objects = [objects[0]] }).Table;
        string[] shared = [.. one.Chains.Select(chain => chain.Name).Where(chain => many.Chains.Any(other => other.Name == chain))];
        Assert.Contains("object_object-0", shared);
        Assert.Contains("classify", shared);
        Assert.All(shared, chain => Assert.Equal(RulesOf(one, chain), RulesOf(many, chain)));

        static string[] RulesOf(Table table, string chain) =>
            [.. table.Rules.Where(rule => rule.Chain == chain).Select(rule => rule.ToString())];
    }

    /// <summary>The node of one may have lost its power, and its address be given to another pod: the older EgressIP has it.</summary>
    [Fact]
    public void Of_two_pods_with_one_address_one_counts()
    {
        ServedObject one = Full.Objects[0] with { Name = "one" };
        HeldAddress held = Full.Held[0];
        Table table = StateOf(Full with
        {
            Objects = [one, one with { Name = "two" }],
            Held = [held, held with { Address = Ip("192.0.2.109") }],
        }).Table;
        Assert.All(table.Maps.Where(map => !map.IsInterval),
            map => Assert.Equal(map.Elements.Length, map.Elements.DistinctBy(element => element.Key).Count()));
        Assert.All(Elements("pods4"), element => Assert.Equal("object_one", element.Decision?.Chain));
        Assert.All(Elements("snat4"), element => Assert.Equal("192.0.2.100", new IPAddress(element.Data.Span).ToString()));

        IEnumerable<MapElement> Elements(string name) => table.Maps.Single(map => map.Name == name).Elements;
    }

    /// <summary>A name in nf_tables has at most 255 bytes.</summary>
    [Fact]
    public void Long_names_of_objects_fit_and_differ()
    {
        string name = new('a', 252);
        ServedObject served = Full.Objects[0] with { Name = name + "b" };
        Table table = StateOf(Full with { Objects = [served, served with { Name = name + "c" }] }).Table;
        string[] names = [.. table.Chains.Select(chain => chain.Name), .. table.Maps.Select(map => map.Name)];
        Assert.All(names, one => Assert.InRange(one.Length, 1, 255));
        Assert.Equal(2, names.Count(one => one.StartsWith("object_aaa", StringComparison.Ordinal)));
        Assert.Equal(names.Length, names.Distinct().Count());
    }

    [Fact]
    public void A_node_without_IPv6_has_no_routes_and_rules_of_it()
    {
        var state = DesiredState.Of(Full, Defaults, new NodeNumbers(Defaults), TunnelMtu, Indexes, hasIPv6: false);
        Assert.NotEmpty(state.Routes);
        Assert.All(state.Routes, route => Assert.Equal(AddressFamily.InterNetwork, route.Family));
        Assert.All(state.Rules, rule => Assert.Equal(AddressFamily.InterNetwork, rule.Family));
    }

    private static string Text(DesiredState state)
    {
        var text = new StringBuilder();
        foreach (Chain chain in state.Table.Chains)
        {
            text.Append(chain.Base is BaseChain hook
                ? $"chain {chain.Name}: {hook.Type} {hook.Hook} {hook.Priority} {hook.Policy}\n" : $"chain {chain.Name}\n");
            foreach (Rule rule in state.Table.Rules.Where(rule => rule.Chain == chain.Name))
            {
                text.Append("  ").Append(rule).Append('\n');
            }
        }

        foreach (Map map in state.Table.Maps)
        {
            text.Append($"map {map.Name}\n");
            foreach (MapElement element in map.Elements)
            {
                text.Append("  ").Append(Key(element.Key)).Append(element.KeyEnd.Length > 0 ? $"-{Key(element.KeyEnd)}" : "")
                    .Append(element.Data.Length > 0 ? $" : {Key(element.Data)}" : "")
                    .Append(element.Decision is Decision decision ? $" : {decision.Verdict} {decision.Chain}" : "").Append('\n');
            }
        }

        foreach (LinkAddress address in state.Addresses)
        {
            text.Append($"address {address.Address}/{address.PrefixLength} link {address.LinkIndex} {address.Flags} origin {address.Origin} "
                + $"{address.Lifetime}\n");
        }

        foreach (Route route in state.Routes)
        {
            text.Append($"route {RouteText.Of(route)} link {route.OutputInterface} metric {route.Priority}\n");
        }

        foreach (RoutingRule rule in state.Rules)
        {
            text.Append($"rule {rule.Priority} {RouteText.Of(rule)}\n");
        }

        return text.ToString();
    }

    private static string Key(Netlink.Wire.Bytes bytes) =>
        bytes.Length == 4 && bytes.Span[0] is not 0 || bytes.Length == 16 ? new IPAddress(bytes.Span).ToString() : bytes.ToString();
}
