using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;
using Shared;

namespace SystemTests;

/// <summary>What a monitor hears of this kernel's links, addresses, routes, rules and nf_tables tables.</summary>
public class ChangeMonitorTests
{
    private const uint Table = 7101;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(2);

    [RootFact]
    public void Links_addresses_routes_and_rules_are_heard_of() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        using ChangeMonitor<RoutingChange> monitor = RoutingChange.OpenMonitor();
        Assert.Equal("", Heard(monitor, TimeSpan.Zero));
        LinkAddress[] addresses = [
            new(1, IPAddress.Parse("192.0.2.100"), 32), new(1, IPAddress.Parse("2001:db8:2::100"), 128, AddressFlags.NoDad)];
        RoutingRule[] rules = [.. addresses.Select(
            address => new RoutingRule { Family = address.Address.AddressFamily, Source = address.Address, Priority = 77, Table = Table })];
        Route[] routes = [RouteTo(IPAddress.Parse("198.51.100.7")), RouteTo(IPAddress.Parse("2001:db8:51::7"))];

        var batch = new RequestBatch();
        batch.CreateLink("", new LinkRequest("egress0", new Vxlan(4790), null, new LinkSettings(), null));
        Array.ForEach(addresses, address => batch.AddAddress("", address));
        Array.ForEach(routes, route => batch.AddRoute("", route));
        Array.ForEach(rules, rule => batch.AddRule("", rule));
        socket.Execute(batch);
        string[] objects =
            ["link:egress0", "address:192.0.2.100", "address:2001:db8:2::100", "route:198.51.100.7", "route:2001:db8:51::7",
                "rule:192.0.2.100", "rule:2001:db8:2::100"];
        AssertHeard(monitor, objects.Select(name => "+" + name));

        batch = new RequestBatch();
        batch.DeleteLink("", socket.GetLink("egress0")!.Index);
        Array.ForEach(addresses, address => batch.DeleteAddress("", address));
        Array.ForEach(routes, route => batch.DeleteRoute("", route));
        Array.ForEach(rules, rule => batch.DeleteRule("", rule));
        socket.Execute(batch);
        AssertHeard(monitor, objects.Select(name => "-" + name));
    });

    [RootFact]
    public void A_parameter_of_a_link_is_heard_of() => NetNamespace.RunInNew(() =>
    {
        File.WriteAllText("/proc/sys/net/ipv4/conf/lo/rp_filter", "0");
        using ChangeMonitor<RoutingChange> monitor = RoutingChange.OpenMonitor();
        File.WriteAllText("/proc/sys/net/ipv4/conf/lo/rp_filter", "1");
        Assert.IsType<ParameterChange>(Assert.Single(monitor.Wait(_limit).Changes));
    });

    /// <summary>A port that leaves its bridge is still a link.</summary>
    [RootFact]
    public void A_link_that_leaves_a_bridge_is_not_gone() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["-batch", "-"], """
            link add br0 type bridge
            link add port0 type veth peer name other0
            link set port0 master br0

            """);
        using ChangeMonitor<RoutingChange> monitor = RoutingChange.OpenMonitor();
        Command.Must("ip", ["link", "set", "port0", "nomaster"]);
        string[] changes = Heard(monitor, _limit).Split(' ');
        Assert.Contains("+link:port0", changes);
        Assert.DoesNotContain("-link:port0", changes);
    });

    [RootFact]
    public void A_caller_that_is_too_slow_is_told_so() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        using ChangeMonitor<RoutingChange> monitor = RoutingChange.OpenMonitor(receiveBuffer: 8 * 1024);
        var batch = new RequestBatch();
        for (int i = 0; i < 500; i++)
        {
            batch.AddRoute("", RouteTo(new IPAddress([198, 51, (byte)(100 + (i / 250)), (byte)(i % 250)])));
        }

        socket.Execute(batch);
        Assert.Equal("lost", Heard(monitor, _limit));
        Assert.Equal("", Heard(monitor, TimeSpan.Zero));
        Assert.Equal(500, socket.ListRoutes(route => route.Table == Table).Count);

        batch = new RequestBatch();
        batch.DeleteRoute("", RouteTo(IPAddress.Parse("198.51.100.7")));
        socket.Execute(batch);
        Assert.Equal("-route:198.51.100.7", Heard(monitor, _limit));
    });

    /// <summary>Each kind of change by nft, and a change by this program, which it can tell by its port.</summary>
    [RootFact]
    public void Changes_of_tables_are_heard_of() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        using ChangeMonitor<TableChange> monitor = TableChange.OpenMonitor();
        (string Command, TableFamily Family)[] changes =
        [
            ("add table inet t", TableFamily.Inet),
            ("add table ip6 t", TableFamily.IPv6),
            ("add chain inet t c", TableFamily.Inet),
            ("add rule inet t c accept", TableFamily.Inet),
            ("flush chain inet t c", TableFamily.Inet),
            ("add set inet t s { type ipv4_addr; }", TableFamily.Inet),
            ("add element inet t s { 192.0.2.1 }", TableFamily.Inet),
            ("delete element inet t s { 192.0.2.1 }", TableFamily.Inet),
            ("delete set inet t s", TableFamily.Inet),
            ("add counter inet t o", TableFamily.Inet),
            ("delete counter inet t o", TableFamily.Inet),
            ("delete chain inet t c", TableFamily.Inet),
            ("delete table ip6 t", TableFamily.IPv6),
        ];
        foreach ((string command, TableFamily family) in changes)
        {
            Command.Must("nft", ["-f", "-"], command);
            HeardChanges<TableChange> heard = monitor.Wait(_limit);
            Assert.True(heard.Changes.Count == 1 && !heard.WereLost, $"{command}: {heard.Changes.Count} changes");
            Assert.Equal((family, "t"), (heard.Changes[0].Family, heard.Changes[0].Table));
            Assert.NotEqual(socket.Port, heard.Changes[0].Port);
        }

        socket.DeleteTable(TableFamily.Inet, "t");
        Assert.Equal([new TableChange(TableFamily.Inet, "t", socket.Port)], monitor.Wait(_limit).Changes);
        Assert.Empty(monitor.Wait(TimeSpan.Zero).Changes);
    });

    /// <summary>The kernel tells of an IPv6 address in its own time.</summary>
    private static void AssertHeard(ChangeMonitor<RoutingChange> monitor, IEnumerable<string> expected)
    {
        string heard = "";
        Eventually.IsTrue(
            () =>
            {
                heard += " " + Heard(monitor, TimeSpan.FromMilliseconds(100));
                return !expected.Except(heard.Split(' ')).Any();
            },
            () => heard);
        Assert.DoesNotContain("lost", heard, StringComparison.Ordinal);
    }

    /// <summary>The changes, with a sign each; or that some were lost.</summary>
    private static string Heard(ChangeMonitor<RoutingChange> monitor, TimeSpan limit)
    {
        HeardChanges<RoutingChange> heard = monitor.Wait(limit);
        return heard.WereLost ? "lost" + string.Join(' ', heard.Changes) : string.Join(
            ' ',
            heard.Changes.Select(change => (change.IsGone ? "-" : "+") + change switch
            {
                LinkChange link => $"link:{link.Link.Name}",
                AddressChange address => $"address:{address.Address.Address}",
                RouteChange route => $"route:{route.Route.Destination}",
                RuleChange rule => $"rule:{rule.Rule.Source}",
                _ => "?",
            }));
    }

    private static Route RouteTo(IPAddress destination) => new()
    {
        Family = destination.AddressFamily,
        Destination = destination,
        PrefixLength = destination.AddressFamily == AddressFamily.InterNetwork ? 32 : 128,
        OutputInterface = 1,
        Table = Table,
        Scope = destination.AddressFamily == AddressFamily.InterNetwork ? RouteScope.Link : RouteScope.Universe,
    };
}
