using System.Net;
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
        Assert.Contains("object_object_0", shared);
        Assert.Contains("classify", shared);
        Assert.All(shared, chain => Assert.Equal(RulesOf(one, chain), RulesOf(many, chain)));

        static string[] RulesOf(Table table, string chain) =>
            [.. table.Rules.Where(rule => rule.Chain == chain).Select(rule => rule.ToString())];
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
