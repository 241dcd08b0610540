using System.Text.Json.Nodes;

namespace SystemTests.Tools;

/// <summary>Broken routers: the first line of <c>probe</c> names the cause.</summary>
public class BrokenRouterTests
{
    private static string Works { get; } = Config.With("80 tcp 192.168.12.91", "443 tcp 203.0.113.25");

    [RootFact]
    public void A_router_that_works()
    {
        using var lab = new Lab();
        Serve(lab);
        lab.Add(Works);
        CommandResult probe = Probe(lab, Works);
        Assert.True(probe.ExitCode == 0 && probe.Stdout.StartsWith("every hop works\n", StringComparison.Ordinal), probe.ToString());
        Assert.Matches(@"destination: 192\.168\.12\.91:80 from 192\.168\.12\.99: connected in [0-9.]+ ms", probe.Stdout);
        Assert.Matches(@"link: gateway 192\.168\.12\.1 is at ", probe.Stdout);
        Assert.Contains("\"cause\": null", Tool.OnPod(lab, Works, "probe", "--output", "json").Stdout, StringComparison.Ordinal);
    }

    [RootTheory]
    [InlineData("link down", "pod: link net1: state is down, not up", "link set net1 down")]
    [InlineData("link gone", "pod: link net1 is missing", "link delete net1")]
    [InlineData("address gone", "pod: address 192.168.12.99/24 is missing", "address delete 192.168.12.99/24 dev net1")]
    [InlineData("missing route", "pod: IPv4 route default via 192.168.12.1 dev net1 table 15841 is missing",
        "route delete default table 15841 via 192.168.12.1")]
    [InlineData("other default route", "pod: IPv4 route default via 192.168.12.1 dev net1 is missing",
        "route replace default via 10.129.2.1")]
    [InlineData("missing rule", "pod: IPv4 routing rule 1001: fwmark 0x3de10000/0xffff0000 lookup 15841 is missing",
        "rule delete priority 1001 fwmark 0x3de10000/0xffff0000")]
    [InlineData("MTU", "pod: link net1: MTU is 1400, not 1500", "link set net1 mtu 1400")]
    [InlineData("cluster interface down", "pod: the cluster interface eth0, by which clients come, is down", "link set eth0 down")]
    [InlineData("cluster interface gone", "pod: the cluster interface eth0, by which clients come, is missing", "link delete eth0")]
    [InlineData("hijacking rule", "route: connections to 192.168.12.91 would not leave by net1",
        "rule add priority 5 to 192.168.12.91 lookup main\nroute add 192.168.12.91/32 via 10.129.2.1")]
    public void What_ip_can_break(string what, string cause, string commands)
    {
        using var lab = new Lab();
        Serve(lab);
        lab.Add(Works);
        Lab.Batch(lab.Pod, commands);
        AssertCause(lab, Works, cause, what);
    }

    [RootFact]
    public void A_flushed_table()
    {
        using var lab = new Lab();
        Serve(lab);
        lab.Add(Works);
        Lab.In(lab.Pod, "nft", "flush", "ruleset");
        AssertCause(lab, Works, "pod: nftables table egress-router-net1 is missing");
    }

    [RootFact]
    public void A_deleted_map_element()
    {
        using var lab = new Lab();
        Serve(lab);
        lab.Add(Works);
        Lab.In(lab.Pod, "nft", "delete", "element", "inet", "egress-router-net1", "ports_ip", "{ tcp . 80 }");
        AssertCause(lab, Works, "pod: nftables table egress-router-net1: map ports_ip: element tcp . 80 : 192.168.12.91 . 80 is missing");
    }

    [RootTheory]
    [InlineData("net/ipv4/conf/eth0/rp_filter", "1")]
    [InlineData("net/ipv4/conf/eth0/forwarding", "0")]
    public void A_kernel_parameter(string path, string value)
    {
        using var lab = new Lab();
        Serve(lab);
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/eth0/rp_filter", "1");
        lab.Add(Works);
        Lab.WriteSysctl(lab.Pod, path, value);
        AssertCause(lab, Works, $"pod: sysctl {path} is {value}, not ");
    }

    [RootFact]
    public void A_wrong_gateway()
    {
        using var lab = new Lab();
        Serve(lab);
        string config = Config.Changed(Works, json => json["ip"]!["gateway"] = "192.168.12.7");
        lab.Add(config);
        AssertCause(lab, config, "link: gateway 192.168.12.7 does not answer on net1: nobody on the network of lan0 has this address");
    }

    [RootFact]
    public void A_wrong_parent()
    {
        using var lab = new Lab();
        Serve(lab);
        Lab.Batch(lab.Node, $"link add lan7 type veth peer name node7 netns {lab.Lan}\nlink set lan7 up");
        Lab.Batch(lab.Lan, "link set node7 up");
        string config = Config.Changed(Works, json => json["interfaceArgs"] = new JsonObject { ["master"] = "lan7" });
        lab.Add(config);
        // The switch of the lan would answer for an address of another port of it.
        Lab.WriteSysctl(lab.Lan, "net/ipv4/conf/node7/arp_ignore", "1");
        AssertCause(
            lab, config,
            "link: gateway 192.168.12.1 does not answer on net1: the node reaches it by lan0, but the parent is lan7; is interfaceArgs.master wrong?");
    }

    [RootFact]
    public void A_parent_that_is_down()
    {
        using var lab = new Lab();
        Serve(lab);
        lab.Add(Works);
        Lab.Batch(lab.Node, "link set lan0 down");
        AssertCause(lab, Works, "node: the parent lan0 is down");
    }

    [RootTheory]
    [InlineData(null,
        "node: standard input: on this node: interfaceArgs.master: is missing, and cannot be inferred: no link of the node has a subnet with 192.168.12.99")]
    [InlineData("lan0", "node: standard input: on this node: interfaceArgs.master \"lan0\": the node has no link of this name")]
    public void A_parent_that_is_gone(string? master, string cause)
    {
        using var lab = new Lab();
        string config = Config.Changed(
            Works, json => json["interfaceArgs"] = master is null ? null : new JsonObject { ["master"] = master });
        lab.Add(config);
        Lab.Batch(lab.Node, "link delete lan0");
        AssertCause(lab, config, cause);
    }

    [RootFact]
    public void A_gateway_of_IPv6_that_is_gone()
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        Lab.Batch(lab.Lan, "address delete 2001:db8:12::1/64 dev node0");
        AssertCause(
            lab, Config.DualStack, "link: gateway 2001:db8:12::1 does not answer on net1: nobody on the network of lan0 has this address");
    }

    [RootFact]
    public void A_parent_without_a_carrier()
    {
        using var lab = new Lab();
        Serve(lab);
        lab.Add(Works);
        Lab.Batch(lab.Lan, "link set node0 down");
        AssertCause(lab, Works, "node: the parent lan0 has no carrier");
    }

    [RootFact]
    public void A_duplicate_address()
    {
        using var lab = new Lab();
        Serve(lab);
        lab.Add(Works);
        Lab.Batch(lab.Lan, "address add 192.168.12.99/24 dev node0");
        AssertCause(lab, Works, "link: duplicate address: another host also has address 192.168.12.99: ");
    }

    [RootFact]
    public void A_destination_where_nothing_listens()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Add(Works);
        AssertCause(lab, Works, "destination: 203.0.113.25:443 from 192.168.12.99: refused");
    }

    [RootFact]
    public void A_destination_behind_a_firewall()
    {
        using var lab = new Lab();
        Serve(lab);
        lab.Add(Works);
        Command.Must(
            "nsenter", ["--net=" + Lab.PathOf(lab.Lan), "nft", "-f", "-"],
            "table ip f {\nchain i {\ntype filter hook input priority 0\ntcp dport 443 drop\n}\n}\n");
        AssertCause(lab, Works, "destination: 203.0.113.25:443 from 192.168.12.99: no answer within ");
    }

    [RootFact]
    public void A_destination_that_is_not_there()
    {
        using var lab = new Lab();
        string config = Config.With("80 tcp 192.168.12.77");
        lab.Add(config);
        AssertCause(lab, config, "link: destination 192.168.12.77 does not answer on net1");
    }

    private static void Serve(Lab lab)
    {
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Tcp, "203.0.113.25", 443);
    }

    private static CommandResult Probe(Lab lab, string config) => Tool.OnPod(lab, config, "probe", "--timeout", "700");

    private static void AssertCause(Lab lab, string config, string cause, string what = "")
    {
        CommandResult probe = Probe(lab, config);
        Assert.True(probe.ExitCode == 1 && probe.Stderr.Length == 0, $"{what}: {probe}");
        Assert.StartsWith(cause, probe.Stdout, StringComparison.Ordinal);
    }
}
