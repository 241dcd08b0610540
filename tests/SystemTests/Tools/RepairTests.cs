using System.Net.Sockets;
using System.Text.Json.Nodes;
using Netlink;
using Netlink.NetFilter;

namespace SystemTests.Tools;

/// <summary>Routers are repaired, and changed, while traffic goes on.</summary>
public class RepairTests
{
    private static string Before { get; } = Config.With("80 tcp 192.168.12.91", "53 udp 192.168.12.91", "54 udp 192.168.12.92");

    [RootTheory]
    [InlineData("link set net1 down")]
    [InlineData("link delete net1")]
    [InlineData("link set net1 mtu 1400")]
    [InlineData("address delete 192.168.12.99/24 dev net1")]
    [InlineData("address delete 192.168.12.99/24 dev net1\naddress add 192.168.12.99/25 dev net1")]
    [InlineData("route flush table 15841\nroute delete default\nroute delete 192.168.12.0/24")]
    [InlineData("route replace default via 10.129.2.1")]
    [InlineData("rule delete priority 1001 fwmark 0x3de10000/0xffff0000\nrule add priority 7 fwmark 0x3de10000/0xffff0000 lookup main")]
    public void What_somebody_broke_is_as_ADD_made_it(string commands)
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Add(Before);
        Lab.Batch(lab.Pod, commands);
        CommandResult dry = Tool.OnPod(lab, Before, "repair", "--dry-run");
        Assert.True(dry.ExitCode == 1 && dry.Stdout.Contains("  would: ", StringComparison.Ordinal), dry.ToString());
        Assert.Equal(1, Tool.OnPod(lab, Before, "status").ExitCode);
        CommandResult repair = Tool.OnPod(lab, Before, "repair");
        Assert.True(
            repair.ExitCode == 0 && repair.Stdout.StartsWith("repaired\n", StringComparison.Ordinal) && repair.Stderr.Length == 0,
            repair.ToString());
        CommandResult status = Tool.OnPod(lab, Before, "status");
        Assert.True(status.ExitCode == 0, status.ToString());
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
        Assert.StartsWith("nothing differs from the configuration\n", Tool.OnPod(lab, Before, "repair").Stdout, StringComparison.Ordinal);
    }

    /// <summary>A flushed ruleset takes with it what DEL would put back; the return table still has the default route.</summary>
    [RootFact]
    public void A_flushed_ruleset_comes_back_and_DEL_cleans_up()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        string routes = Lab.In(lab.Pod, "ip", "route");
        lab.Add(Before);
        Lab.In(lab.Pod, "nft", "flush", "ruleset");
        CommandResult repair = Tool.OnPod(lab, Before, "repair");
        Assert.True(repair.ExitCode == 0, repair.ToString());
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        lab.Delete(Before);
        Assert.Equal(routes, Lab.In(lab.Pod, "ip", "route"));
    }

    [RootFact]
    public void A_changed_configuration_keeps_connections_and_counters_of_what_stays()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        foreach (string address in (string[])["192.168.12.91", "192.168.12.92"])
        {
            lab.Serve(Protocol.Udp, address, 53);
            lab.Serve(Protocol.Udp, address, 54);
        }

        lab.Add(Before);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        Assert.NotNull(lab.Connect(Protocol.Udp, 53));
        Assert.NotNull(lab.Connect(Protocol.Udp, 54));
        ushort[] ports = [.. Udp(lab).Select(connection => connection.Original.DestinationPort).Order()];
        Assert.Equal<ushort>([53, 54], ports);

        string after = Config.With(
            "80 tcp 192.168.12.91", "53 udp 192.168.12.91", "54 udp 192.168.12.91", "9000-9100 tcp 203.0.113.25", "203.0.113.26");
        CommandResult dry = Tool.OnPod(lab, after, "repair", "--dry-run");
        Assert.True(dry.ExitCode == 1, dry.ToString());
        Assert.Contains("map ports_ip: element udp . 54 : 192.168.12.91 . 54 is missing", dry.Stdout, StringComparison.Ordinal);
        Assert.Equal(2, Udp(lab).Count);
        CommandResult repair = Tool.OnPod(lab, after, "repair");
        Assert.True(repair.ExitCode == 0, repair.ToString());

        ConntrackEntry kept = Assert.Single(Udp(lab));
        Assert.Equal(53, kept.Original.DestinationPort);
        Dictionary<string, JsonNode> counted = Tool.Destinations(lab);
        Assert.Equal(5, counted.Count);
        Assert.Equal(1, (int)counted["80 tcp 192.168.12.91"]["connections"]!);
        Assert.InRange((int)counted["80 tcp 192.168.12.91"]["packets"]!, 6, 20);
        Assert.Equal(0, (int)counted["54 udp 192.168.12.91"]["packets"]!);
        Assert.Equal("192.168.12.91", lab.Connect(Protocol.Udp, 54)?.Destination);
        lab.Delete(after);
    }

    /// <summary>With the last address of the old subnet the kernel takes the routes too.</summary>
    [RootTheory]
    [InlineData("192.168.12.98/24")]
    [InlineData("192.168.12.98/32")]
    [InlineData("192.168.12.98/25")]
    public void Another_egress_address_takes_the_place_of_the_old_one(string address)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Add(Before);
        string after = Config.Changed(Before, config => config["ip"]!["addresses"] = new JsonArray(address));
        CommandResult repair = Tool.OnPod(lab, after, "repair");
        Assert.True(repair.ExitCode == 0 && repair.Stdout.StartsWith("repaired\n", StringComparison.Ordinal), repair.ToString());
        Assert.Equal("192.168.12.98", lab.Connect(Protocol.Tcp, 80)?.Source);
        lab.Delete(after);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Maps whose elements change, that are made anew because they are full, and that go.</summary>
    [RootFact]
    public void Destinations_of_all_kinds_come_and_go()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Before);
        string[][] steps =
        [
            ["80 tcp 192.168.12.92 8080", "8000-8100 udp 192.168.12.91"],
            ["80-90 tcp 192.168.12.92", "8000-8050 udp 192.168.12.91", "8051-8100 udp 192.168.12.92"],
            [.. Enumerable.Range(1000, 600).Select(port => $"{port} tcp 192.168.12.91"), "8000-8100 udp 192.168.12.92"],
            ["1599 tcp 192.168.12.92", "192.168.12.91"],
            [],
            ["80 tcp 192.168.12.91", "81 tcp 192.168.12.91"],
        ];
        foreach (string[] destinations in steps)
        {
            string config = Config.With(destinations);
            Tool.OnPod(lab, config, "repair").AssertText("repaired\n");
            CommandResult check = lab.Check(config, result);
            Assert.True(check.ExitCode == 0, check.ToString());
        }
    }

    /// <summary>nft(8) made of the table, or of its maps, what is never made here.</summary>
    [RootTheory]
    [InlineData("add table inet egress-router-net1 { flags dormant; }", "it is dormant")]
    [InlineData("delete element inet egress-router-net1 ports_ip { tcp . 80 }; add element inet egress-router-net1 ports_ip { * : 192.168.12.92 . 80 }", "map ports_ip: element")]
    [InlineData("flags constant; counter", "map ports_ip is changed")]
    [InlineData("flags timeout; timeout 2s; counter", "map ports_ip is changed")]
    [InlineData("size 512", "map ports_ip is changed")]
    public void What_the_kernel_can_have_and_we_never_make_is_seen_and_mended(string commands, string difference)
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Before);
        if (!commands.Contains("egress-router-net1", StringComparison.Ordinal))
        {
            // The map once more, of another kind, with the rules as they are.
            string[] table = Lab.In(lab.Pod, "nft", "list", "table", "inet", "egress-router-net1")
                .Replace(" counter packets 0 bytes 0", "", StringComparison.Ordinal).Split('\n');
            int map = Array.FindIndex(table, line => line.Contains("map ports_ip ", StringComparison.Ordinal));
            table = [.. table[..(map + 2)], commands, .. table[(map + 4)..]];
            commands = "delete table inet egress-router-net1\n" + string.Join('\n', table);
        }

        Lab.In(lab.Pod, "nft", commands);
        CommandResult status = Tool.OnPod(lab, Before, "status");
        Assert.True(status.ExitCode == 1 && status.Stdout.Contains(difference, StringComparison.Ordinal), status.ToString());
        Tool.OnPod(lab, Before, "repair").AssertText("repaired\n");
        Tool.OnPod(lab, Before, "repair").AssertText("nothing differs from the configuration\n");
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        lab.Delete(Before);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void A_pod_without_a_router_gets_none()
    {
        using var lab = new Lab();
        CommandResult repair = Tool.OnPod(lab, Before, "repair");
        Assert.True(repair is { ExitCode: 2, Stdout: "" }, repair.ToString());
        Assert.Contains("has no egress router net1", repair.Stderr, StringComparison.Ordinal);
    }

    private static List<ConntrackEntry> Udp(Lab lab)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Pod));
        return space.Run(() =>
        {
            using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
            return socket.ListConnections(
                connection => connection.Original.Protocol == (byte)ProtocolType.Udp && connection.Mark != 0).ToList();
        });
    }
}
