using System.Text.Json.Nodes;
using SystemTests.Tools;

namespace SystemTests;

/// <summary>What the node's routes tell, of whatever kind they are: inferred where it is certain, else the true reason is told.</summary>
public class InferenceTests
{
    private const string NewestVersion = "1.1.0";

    /// <summary>STATUS is about the network: there is no container.</summary>
    private static readonly (string, string?)[] _network = [("CNI_CONTAINERID", null), ("CNI_NETNS", null), ("CNI_IFNAME", null)];

    /// <summary>Default routes of the node, all of which lead by lan0, and the gateway that is to be inferred.</summary>
    private static readonly Dictionary<string, (bool Ipv6, string Commands, string Gateway)> _certain = new()
    {
        ["IPv6, by a link-local gateway"] = (true, "-6 route add default via fe80::1 dev lan0", "fe80::1"),
        ["IPv6, as a router advertisement makes it"] = (true, "-6 route add default via fe80::1 dev lan0 proto ra metric 1024 expires 1800",
            "fe80::1"),
        ["IPv4, two gateways"] = (false,
            "-4 route add default nexthop via 192.168.12.91 dev lan0 weight 3 nexthop via 192.168.12.1 dev lan0", "192.168.12.1"),
        ["IPv6, two gateways"] = (true, "-6 route add default nexthop via 2001:db8:12::91 dev lan0 nexthop via 2001:db8:12::1 dev lan0",
            "2001:db8:12::1"),
        ["IPv6, two link-local gateways"] = (true, "-6 route add default nexthop via fe80::91 dev lan0 nexthop via fe80::1 dev lan0",
            "fe80::1"),
        ["IPv4, of two gateways one in the subnet"] = (
            false,
            "-4 address add 172.16.0.2/24 dev lan0\n-4 route add default nexthop via 172.16.0.1 dev lan0 nexthop via 192.168.12.1 dev lan0",
                "192.168.12.1"),
        ["IPv4, a next-hop object"] = (false, "nexthop add id 10 via 192.168.12.1 dev lan0\n-4 route add default nhid 10", "192.168.12.1"),
        ["IPv6, a next-hop object"] = (true, "nexthop add id 10 via fe80::1 dev lan0\n-6 route add default nhid 10", "fe80::1"),
        ["IPv4, a group of next-hop objects"] = (
            false,
            "nexthop add id 10 via 192.168.12.91 dev lan0\nnexthop add id 11 via 192.168.12.1 dev lan0\nnexthop add id 20 group 10/11\n-4 route add default nhid 20", "192.168.12.1"),
        ["IPv6, a group of next-hop objects"] = (
            true,
            "nexthop add id 10 via fe80::91 dev lan0\nnexthop add id 11 via fe80::1 dev lan0\nnexthop add id 20 group 10/11\n-6 route add default nhid 20", "fe80::1"),
    };

    /// <summary>Default routes of the node that leave something open, and what is said of it, with the parent named and without.</summary>
    private static readonly Dictionary<string, (bool Ipv6, string Commands, string OfParent, string? OfGateway)> _uncertain = new()
    {
        ["IPv4, by two links"] = (
            false, "-4 route add default nexthop via 192.168.12.1 dev lan0 nexthop via 172.16.0.1 dev lan1",
            "the node's IPv4 default route has next hops by several links, lan0, lan1", null),
        ["IPv6, by two links"] = (
            true, "-6 route add default nexthop via fe80::1 dev lan0 nexthop via fe80::1 dev lan1",
            "the node's IPv6 default route has next hops by several links, lan", null),
        ["IPv4, a group by two links"] = (
            false,
            "nexthop add id 10 via 192.168.12.1 dev lan0\nnexthop add id 11 via 172.16.0.1 dev lan1\nnexthop add id 20 group 10/11\n-4 route add default nhid 20",
            "the node's IPv4 default route has next hops by several links, lan0, lan1", null),
        ["IPv4, by an IPv6 gateway"] = (
            false, "-4 route add default via inet6 fe80::1 dev lan0", "",
            "the node's IPv4 default route by the parent lan0 has an IPv6 gateway, fe80::1"),
        ["IPv4, by a next-hop object with an IPv6 gateway"] = (
            false, "nexthop add id 10 via fe80::1 dev lan0\n-4 route add default nhid 10", "",
            "the node's IPv4 default route by the parent lan0 has an IPv6 gateway, fe80::1"),
        ["IPv4, without a gateway"] = (false, "-4 route add default dev lan0", "",
            "the node's IPv4 default route by the parent lan0 has no gateway"),
        ["IPv6, without a gateway"] = (true, "-6 route add default dev lan0", "",
            "the node's IPv6 default route by the parent lan0 has no gateway"),
        ["IPv4, none"] = (false, "", "the node has no IPv4 default route", "the node has no IPv4 default route by the parent lan0"),
        ["IPv6, none"] = (true, "", "the node has no IPv6 default route", "the node has no IPv6 default route by the parent lan0"),
    };

    public static TheoryData<string> Certain => [.. _certain.Keys];

    public static TheoryData<string> Uncertain => [.. _uncertain.Keys];

    /// <summary>The address has no route of its own on the node, so that the parent comes of the default route too.</summary>
    [RootTheory]
    [MemberData(nameof(Certain))]
    public void Parent_and_gateway_of_a_default_route(string kind)
    {
        var (ipv6, commands, gateway) = _certain[kind];
        using var lab = new Lab();
        SetDefault(lab, commands);
        string config = ConfigOf(ipv6);
        AssertServes(lab, config, ipv6, gateway);

        lab.Run("STATUS", config, "net1", _network).AssertSilentSuccess();
        CommandResult explained = Tool.On(lab, config, "explain", "--node", "-");
        Assert.True(explained.ExitCode == 0, explained.ToString());
        Assert.Matches(@"the parent +lan0 ", explained.Stdout);
        Assert.Matches($"gateway +{gateway} +the node's default route by lan0", explained.Stdout);

        string elsewhere = Config.Changed(
            config, json => json["ip"]!["addresses"] = new JsonArray(ipv6 ? "2001:db8:99::99/128" : "172.16.99.99/32"));
        JsonObject result = lab.Add(elsewhere);
        Assert.Equal("lan0", ParentOf(lab));
        lab.Check(elsewhere, result).AssertSilentSuccess();
        lab.Delete(elsewhere);
    }

    /// <summary>With the sysctl, which routing daemons set, routes tell no more of a next-hop object than its number.</summary>
    [RootTheory]
    [InlineData("IPv4, a next-hop object")]
    [InlineData("IPv6, a next-hop object")]
    [InlineData("IPv4, a group of next-hop objects")]
    [InlineData("IPv6, a group of next-hop objects")]
    public void Next_hop_objects_that_routes_do_not_tell(string kind)
    {
        var (ipv6, commands, gateway) = _certain[kind];
        using var lab = new Lab();
        Lab.WriteSysctl(lab.Node, "net/ipv4/nexthop_compat_mode", "0");
        SetDefault(lab, commands);
        AssertServes(lab, ConfigOf(ipv6), ipv6, gateway);
    }

    [RootTheory]
    [MemberData(nameof(Uncertain))]
    public void The_true_reason_where_it_is_not_certain(string kind)
    {
        var (ipv6, commands, ofParent, ofGateway) = _uncertain[kind];
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        Lab.Batch(
            lab.Node, "link add lan1 type veth peer name lan1p\nlink set lan1 up\nlink set lan1p up\naddress add 172.16.0.2/24 dev lan1");
        SetDefault(lab, commands);
        string near = ConfigOf(ipv6);
        string far = Config.Changed(
            near, json => json["ip"]!["addresses"] = new JsonArray(ipv6 ? "2001:db8:99::99/128" : "172.16.99.99/32"));
        foreach (var (config, path, reason, code) in new[] { (far, "interfaceArgs.master", ofParent, 51),
            (near, "ip.gateway", ofGateway, 50) })
        {
            if (reason is null)
            {
                // By the link of the subnet goes one of the hops.
                AssertServes(lab, config, ipv6, ipv6 ? "fe80::1" : "192.168.12.1");
            }
            else if (reason.Length > 0)
            {
                string text = $"{path}: is missing, and cannot be inferred: ";
                lab.Run("ADD", config).AssertErrorNaming([7], text);
                Assert.Contains(reason, lab.Run("ADD", config).AssertError(7), StringComparison.Ordinal);
                Assert.Contains(reason, lab.Run("STATUS", config, "net1", _network).AssertError(code), StringComparison.Ordinal);
                Assert.Contains(reason, Tool.On(lab, config, "explain", "--node", "-").Stderr, StringComparison.Ordinal);
            }
        }

        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>A subnet behind several gateways is not the parent's own.</summary>
    [RootFact]
    public void A_subnet_behind_gateways_is_no_subnet_of_the_parent()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Node, "route add 172.16.99.0/24 nexthop via 192.168.12.91 dev lan0 nexthop via 192.168.12.92 dev lan0");
        string config = Config.Changed(ConfigOf(ipv6: false), json => json["ip"]!["addresses"] = new JsonArray("172.16.99.99"));
        lab.Run("ADD", config).AssertErrorNaming(
            [7], "no subnet of the parent lan0 has 172.16.99.99; with a prefix length, the gateway would be 192.168.12.1");
    }

    /// <summary>What holds for a gateway that is written holds for one that is inferred.</summary>
    [RootFact]
    public void A_gateway_is_judged_as_if_it_were_written()
    {
        using var lab = new Lab();
        string far = Config.Changed(ConfigOf(ipv6: false), json => json["ip"]!["addresses"] = new JsonArray("172.16.99.99/24"));
        lab.Run("ADD", far).AssertErrorNaming(
            [7], "the node's default gateway by the parent lan0 \"192.168.12.1\": is outside the subnet of the egress address");
        string same = Config.Changed(ConfigOf(ipv6: false), json => json["ip"]!["addresses"] = new JsonArray("192.168.12.1/24"));
        lab.Run("ADD", same).AssertErrorNaming(
            [7], "the node's default gateway by the parent lan0 \"192.168.12.1\": 192.168.12.1 is the egress address itself");

        SetDefault(lab, "-4 address add 169.254.7.2/24 dev lan0\n-4 route add default via 169.254.7.1 dev lan0");
        string alone = Config.Changed(ConfigOf(ipv6: false), json => json["ip"]!["addresses"] = new JsonArray("192.168.12.99/32"));
        Assert.Equal("169.254.7.1", (string?)lab.Add(alone)["ips"]![0]!["gateway"]);
        lab.Delete(alone);
    }

    /// <summary>The addresses of a plugin come when the interface has been made.</summary>
    [RootFact]
    public void An_IPAM_plugin_moves_no_interface_to_another_parent()
    {
        using var lab = new Lab();
        Lab.Batch(
            lab.Node, "link add lan1 type veth peer name lan1p\nlink set lan1 up\nlink set lan1p up\naddress add 172.16.0.2/24 dev lan1");
        string config = Config.Changed(json =>
        {
            json["ip"] = new JsonObject { ["destinations"] = new JsonArray("192.168.12.91") };
            json["ipam"] = JsonNode.Parse("""{"type":"static","addresses":[{"address":"172.16.0.99/24","gateway":"172.16.0.1"}]}""");
        });
        JsonObject result = lab.Add(config, with: ("CNI_PATH", "/usr/lib/cni:/opt/cni/bin"));
        Assert.Equal("lan0", ParentOf(lab));
        lab.Run(
            "CHECK", Config.Changed(config, json => json["prevResult"] = result.DeepClone()),
            with: ("CNI_PATH", "/usr/lib/cni:/opt/cni/bin")).AssertSilentSuccess();
        lab.Delete(config, with: ("CNI_PATH", "/usr/lib/cni:/opt/cni/bin"));
    }

    /// <summary>
    /// The lan has link-local gateways of both families besides those of the lab; the node has the default route that is given.
    /// </summary>
    private static void SetDefault(Lab lab, string commands)
    {
        Lab.Batch(
            lab.Lan,
            "address add fe80::1/64 dev node0 nodad\naddress add fe80::91/64 dev node0 nodad\naddress add 169.254.7.1/24 dev node0");
        foreach (string command in $"-4 route delete default\n-6 route delete default\n{commands}".Split('\n',
            StringSplitOptions.RemoveEmptyEntries))
        {
            Lab.In(lab.Node, ["ip", .. command.Split(' ')]);
        }
    }

    /// <summary>Neither a parent nor a gateway is named.</summary>
    private static string ConfigOf(bool ipv6) => Config.Changed(ipv6 ? Config.Redirect6 : Config.Redirect, json =>
    {
        json["cniVersion"] = NewestVersion;
        json["ip"]!.AsObject().Remove("gateway");
        json["ip"]!["destinations"] = ipv6 ? new JsonArray("80 tcp 2001:db8:113::25") : new JsonArray("80 tcp 203.0.113.25");
    });

    /// <summary>By the gateway that was inferred a client reaches a server beyond it.</summary>
    private static void AssertServes(Lab lab, string config, bool ipv6, string gateway)
    {
        Snapshot pod = lab.PodSnapshot();
        JsonObject result = lab.Add(config);
        Assert.Equal(gateway, (string?)result["ips"]![0]!["gateway"]);
        Assert.Equal("lan0", ParentOf(lab));
        string server = ipv6 ? "2001:db8:113::25" : "203.0.113.25";
        lab.Serve(Protocol.Tcp, server, 80);
        Assert.Equal(
            new Arrival(ipv6 ? "2001:db8:12::99" : "192.168.12.99", server, 80),
            lab.Connect(Protocol.Tcp, 80, ipv6 ? Lab.PodAddress6 : Lab.PodAddress));
        lab.Check(config, result).AssertSilentSuccess();
        lab.Delete(config);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    private static string ParentOf(Lab lab)
    {
        int index = (int)JsonNode.Parse(Lab.In(lab.Pod, "ip", "-j", "link", "show", "net1"))![0]!["link_index"]!;
        return JsonNode.Parse(Lab.In(lab.Node, "ip", "-j", "link"))!.AsArray()
            .Single(link => (int)link!["ifindex"]! == index)!["ifname"]!.ToString();
    }
}
