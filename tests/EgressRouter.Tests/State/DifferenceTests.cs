using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressRouter.Tests.State;

/// <summary>The comparison names every object and field that differs, and no other.</summary>
public class DifferenceTests
{
    private static readonly NetworkState _desired = Example.Present("80 tcp 192.168.12.91", "9000-9100 udp 192.168.12.92", "192.168.12.93");

    [Fact]
    public void Equal_states_have_none() =>
        Assert.Empty(Difference.Between(_desired, Example.Present("80 tcp 192.168.12.91", "9000-9100 udp 192.168.12.92", "192.168.12.93")));

    public static TheoryData<string, Func<NetworkState, NetworkState>> Changes
    {
        get
        {
            var data = new TheoryData<string, Func<NetworkState, NetworkState>>
            {
                { "link net1 is missing", state => state with { Link = null } },
                { "name is egress-f78, not net1",
                    state => state with { Link = state.Link! with { Name = Example.Net1.TemporaryInterface } } },
                { "kind is ipvlan of mode l2, not macvlan of mode bridge",
                    state => state with { Link = state.Link! with { Kind = new Ipvlan(IpvlanMode.L2) } } },
                { "kind is macvlan of mode vepa, not macvlan of mode bridge",
                    state => state with { Link = state.Link! with { Kind = new Macvlan(MacvlanMode.Vepa) } } },
                { "kind is none, not macvlan of mode bridge", state => state with { Link = state.Link! with { Kind = null } } },
                { "parent is lan1, not lan0", state => state with { Link = state.Link! with { Parent = new ParentLink(8, "lan1") } } },
                { "MTU is 1400, not 1500", state => WithSettings(state, settings => settings with { Mtu = 1400 }) },
                { "state is down, not up", state => WithSettings(state, settings => settings with { IsUp = false }) },
                { "group is 0, not 17746", state => WithSettings(state, settings => settings with { Group = 0 }) },
                { "address 192.168.12.99/24 is missing", state => state with { Addresses = [] } },
                { "address 192.168.12.99 has prefix length 25, not 24",
                    state => state with { Addresses = [new AddressState(IPAddress.Parse("192.168.12.99"), 25)] } },
                { "another host also has address 192.168.12.99/24 (duplicate address detection failed)",
                    state => state with { Addresses = [state.Addresses[0] with { DuplicateFound = true }] } },
                { "another host also has address 192.168.12.99: 02:00:00:00:00:42",
                    state => state with { Conflicts = [new AddressConflict(state.Addresses[0].Address,
                        new MacAddress([2, 0, 0, 0, 0, 0x42]), IsProbing: false)] } },
                { "nftables table egress-router-net1 is missing", state => state with { Table = null } },
                { "chain other is not ours",
                    state => WithTable(state, table => table with { Chains = table.Chains.Add(new Chain("other")) }) },
                { "map other is not ours",
                    state => WithTable(state, table => table with { Maps = table.Maps.Add(table.Maps[0] with { Name = "other" }) }) },
                { "rules of chain marks are doubled or in another order",
                    state => WithTable(state, table => table with { Rules = [.. table.Rules.Reverse()] }) },
                { "rules of chain destinations are doubled",
                    state => WithTable(
                        state, table => table with { Rules = table.Rules.Add(table.Rules.First(rule => rule.Chain == "destinations")) }) },
                { "IPv4 route default via 10.9.9.9 dev eth0 should not be there",
                    state => state with { Routes = state.Routes.Add(Example.PodDefault with { Gateway = IPAddress.Parse("10.9.9.9") }) } },
                { "table 15841 should not be there",
                    state => state with { Routes = state.Routes.Add(Example.PodDefault with { Table = 15841 }) } },
                { "routing rule 1: fwmark 0x3de10000/0xffff0000 lookup 15841 should not be there",
                    state => state with { Rules = state.Rules.Add(state.Rules.First(rule => rule.Table == 15841) with { Priority = 1 }) } },
            };
            foreach (RouteState route in _desired.Routes)
            {
                data.Add($"route {route} is missing", state => state with { Routes = state.Routes.Remove(route) });
                data.Add(
                    $"route {route} is missing", state => state with { Routes = state.Routes.Replace(route, route with { Metric = 77 }) });
                data.Add(
                    $"route {route} is missing",
                    state => state with { Routes = state.Routes.Replace(route, route with { Device = "eth9" }) });
                data.Add(
                    $"route {route} is missing",
                    state => state with { Routes = state.Routes.Replace(route, route with { Gateway = IPAddress.Parse("10.9.9.9") }) });
                data.Add(
                    $"route {route} is missing",
                    state => state with { Routes = state.Routes.Replace(route, route with { Type = RouteType.Blackhole }) });
                data.Add(
                    $"route {route} is missing",
                    state => state with { Routes = state.Routes.Replace(route, route with { IsOnlink = !route.IsOnlink }) });
            }

            foreach (RoutingRule rule in _desired.Rules)
            {
                data.Add($"routing rule {RuleText.Of(rule)} is missing", state => state with { Rules = state.Rules.Remove(rule) });
                data.Add(
                    $"routing rule {RuleText.Of(rule)} is missing",
                    state => state with { Rules = state.Rules.Replace(rule, rule with { HasOther = true }) });
                data.Add(
                    $"routing rule {RuleText.Of(rule)} is missing",
                    state => state with { Rules = state.Rules.Replace(rule, rule with { SuppressGroup = 3 }) });
            }

            foreach (Sysctl path in _desired.Sysctls.Keys)
            {
                data.Add(
                    $"sysctl {path} is 7, not {_desired.Sysctls[path]}", state => state with { Sysctls = state.Sysctls.SetItem(path, 7) });
                data.Add(
                    $"sysctl {path} is not there, not {_desired.Sysctls[path]}",
                    state => state with { Sysctls = state.Sysctls.Remove(path) });
            }

            foreach (Chain chain in _desired.Table!.Chains)
            {
                data.Add(
                    $"chain {chain.Name} is missing",
                    state => WithTable(state, table => table with { Chains = table.Chains.Remove(chain) }));
                data.Add(
                    $"chain {chain.Name} is changed",
                    state => WithTable(
                        state,
                        table => table with
                        {
                            Chains = table.Chains.Replace(chain,
                            chain with { Base = new BaseChain("filter", NetFilterHook.LocalIn, 3) })
                        }));
            }

            foreach (Rule rule in _desired.Table.Rules)
            {
                data.Add(
                    $"rule of chain {rule.Chain} is missing: {NftText.Of(rule)}",
                    state => WithTable(state, table => table with { Rules = table.Rules.Remove(rule) }));
                data.Add(
                    $"rule of chain {rule.Chain} is not ours",
                    state => WithTable(
                        state,
                        table => table with
                        {
                            Rules = table.Rules.Add(rule with
                            {
                                Expressions = [new CounterExpression(),
                            .. rule.Expressions]
                            })
                        }));
            }

            foreach (Map map in _desired.Table.Maps)
            {
                data.Add($"map {map.Name} is missing", state => WithTable(state, table => table with { Maps = table.Maps.Remove(map) }));
                data.Add(
                    $"map {map.Name} is changed",
                    state => WithTable(
                        state, table => table with { Maps = table.Maps.Replace(map, map with { IsInterval = !map.IsInterval }) }));
            }

            foreach (Map map in _desired.Table.Maps.Where(map => !map.IsDynamic))
            {
                data.Add(
                    $"map {map.Name}: element {MapText.Of(map.Elements[0])} is missing",
                    state => WithTable(state, table => table with { Maps = table.Maps.Replace(map, map with { Elements = [] }) }));
                data.Add(
                    "is not ours",
                    state => WithTable(
                        state,
                        table => table with
                        {
                            Maps = table.Maps.Replace(map,
                            map with { Elements = map.Elements.Add(map.Elements[0] with { Key = new Bytes([1, 2]) }) })
                        }));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void What_differs_is_named(string expected, Func<NetworkState, NetworkState> change)
    {
        ImmutableArray<Difference> differences = Difference.Between(_desired, change(_desired));
        Assert.Contains(differences, difference => difference.ToString().Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void What_others_added_is_no_difference() => Assert.Empty(Difference.Between(_desired, _desired with
    {
        Addresses = _desired.Addresses.Add(new AddressState(IPAddress.Parse("192.168.12.98"), 24)),
        Routes = _desired.Routes.Add(
            new RouteState
            {
                Family = AddressFamily.InterNetwork,
                Destination = IPAddress.Parse("10.0.0.0"),
                PrefixLength = 8,
                Device = "net1"
            }),
        Sysctls = _desired.Sysctls.Add(Sysctl.Ipv4("net1", "log_martians"), 1),
    }));

    private static NetworkState WithSettings(NetworkState state, Func<LinkSettings, LinkSettings> change) =>
        state with { Link = state.Link! with { Settings = change(state.Link.Settings) } };

    private static NetworkState WithTable(NetworkState state, Func<Table, Table> change) => state with { Table = change(state.Table!) };
}
