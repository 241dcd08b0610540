using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>DEL takes away all that ADD made, as often as it is asked, whatever is left to take away.</summary>
public class DeleteTests
{
    [RootFact]
    public void Pod_and_node_are_as_before()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        Snapshot node = lab.NodeSnapshot();
        lab.Add(Config.Redirect);
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
        lab.NodeSnapshot().AssertSameAs(node);
    }

    /// <summary>ADD of another container was refused, because the name is taken, and the runtime calls DEL all the same.</summary>
    [RootFact]
    public void A_router_of_another_container_stays()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        lab.Run("ADD", Config.Redirect, with: ("CNI_CONTAINERID", "another")).AssertError(101);
        CommandResult other = lab.Run("DEL", Config.Redirect, with: ("CNI_CONTAINERID", "another"));
        other.AssertSuccess();
        Assert.Contains(
            $"[warning] interface net1 is that of container {Lab.ContainerId}, and stays", other.Stderr, StringComparison.Ordinal);
        lab.Check(Config.Redirect, result).AssertSilentSuccess();
    }

    /// <summary>An older kernel makes the link under another name first; there ADD was killed before it gave it its own.</summary>
    [RootFact]
    public void Interface_with_the_temporary_name_goes_too()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        Lab.Batch(lab.Node, $"link add link lan0 name egress-f78 netns {lab.Pod} group 17746 type macvlan mode bridge");
        lab.Run("ADD", Config.Redirect).AssertErrorNaming([101], "left-overs of an earlier interface net1");
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void Pod_is_as_before_with_IPv6()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect6);
        lab.Delete(Config.Redirect6);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootTheory]
    [InlineData("0")]
    [InlineData("1")]
    public void Forwarding_is_as_before(string forwarding)
    {
        using var lab = new Lab();
        Lab.WriteSysctl(lab.Pod, "net/ipv4/ip_forward", forwarding);
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/all/forwarding", forwarding);
        Snapshot pod = lab.PodSnapshot();
        foreach (string config in (string[])[Config.Redirect, Config.Redirect6])
        {
            lab.Add(config);
            lab.Delete(config);
            lab.PodSnapshot().AssertSameAs(pod);
        }
    }

    [RootFact]
    public void Default_route_with_a_metric_is_as_before()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Pod, """
            route del default
            route add default via 10.129.2.1 dev eth0 metric 100
            """);
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void Pod_without_a_default_route_is_as_before()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Pod, """
            route del default
            route del default via fd00:10:129::1
            """);
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void Pod_can_be_added_to_again()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        for (int round = 0; round < 3; round++)
        {
            lab.Add(Config.Redirect);

            // The interface has another hardware address each time: the neighbors must have been told.
            Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
            lab.Delete(Config.Redirect);
        }

        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void Twice()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        lab.Delete(Config.Redirect);
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void Before_add()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void With_the_namespace_gone()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        Command.Must("ip", ["netns", "delete", lab.Pod]);
        lab.Delete(Config.Redirect);
    }

    [RootFact]
    public void Without_a_namespace()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        lab.Delete(Config.Redirect, with: ("CNI_NETNS", null));
        lab.Delete(Config.Redirect, with: ("CNI_NETNS", ""));
    }

    [RootFact]
    public void With_the_parent_gone()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        Lab.Batch(lab.Node, "link del lan0");
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void With_a_configuration_that_is_no_longer_valid()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        lab.Delete(Config.With("70000 TCP not-an-address"));
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>What no ADD accepts, and what it is called.</summary>
    public static TheoryData<string, string> NotUnderstood => new()
    {
        { "", "it is empty" },
        { "no JSON", "not valid JSON" },
        { "[]", "it is not an object" },
        { new string(' ', 1024 * 1024) + Config.Redirect, "it is longer than" },
        { "{\"a\":1,\"a\":2}", "duplicate member" },
        { string.Concat(Enumerable.Repeat("{\"a\":", 40)), "nested deeper than" },
        { Config.Changed(json => json.Remove("name")), "missing network name" },
        { Config.Changed(json => json["name"] = "no name"), "invalid network name" },
        { Config.Changed(json => json["cniVersion"] = "9.0.0"), "incompatible CNI versions config is \"9.0.0\"" },
        { Config.Changed(json => json["cniVersion"] = 1), "incompatible CNI versions config is not a string" },
    };

    /// <summary>Names tell all that is there. It says so, and the runtime need not try for ever.</summary>
    [RootTheory]
    [MemberData(nameof(NotUnderstood))]
    public void With_a_configuration_that_is_not_understood(string json, string reason)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Run("ADD", json).AssertError(1, 6, 7);
        AssertTold(lab.Run("DEL", json));
        lab.PodSnapshot().AssertSameAs(pod);

        JsonObject result = lab.Add(Config.Redirect);
        AssertTold(lab.Run("DEL", json, with: ("CNI_CONTAINERID", "another")));
        lab.Check(Config.Redirect, result).AssertSilentSuccess();

        AssertTold(lab.Run("DEL", json));
        lab.PodSnapshot().AssertSameAs(pod);
        AssertTold(lab.Run("DEL", json, with: ("CNI_NETNS", null)));

        void AssertTold(CommandResult delete)
        {
            delete.AssertSuccess();
            Assert.Contains(
                "[error] invalid configuration: net1 is removed by name", delete.Stderr,
                StringComparison.Ordinal);
            Assert.Contains(reason, delete.Stderr, StringComparison.Ordinal);
        }
    }

    /// <summary>Without a container or an interface there is nothing to find anything by.</summary>
    [RootTheory]
    [InlineData("CNI_CONTAINERID", null)]
    [InlineData("CNI_CONTAINERID", "a/b")]
    [InlineData("CNI_IFNAME", null)]
    [InlineData("CNI_IFNAME", "a/b")]
    public void Without_a_name_it_is_refused(string variable, string? value)
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        lab.Run("DEL", Config.Redirect, with: (variable, value)).AssertErrorNaming([4], variable);
        lab.Check(Config.Redirect, result).AssertSilentSuccess();
    }

    /// <summary>Nothing but the names matters of what surrounds the configuration.</summary>
    [RootTheory]
    [InlineData("CNI_PATH", null)]
    [InlineData("CNI_PATH", "")]
    [InlineData("CNI_ARGS", "nonsense")]
    [InlineData("CNI_ARGS", "UNKNOWN=1")]
    [InlineData("prevResult", "7")]
    [InlineData("prevResult", "{\"ips\":7}")]
    [InlineData("log_file", "7")]
    [InlineData("log_file", "\"/proc/none/log\"")]
    [InlineData("log_level", "[]")]
    public void Whatever_else_is_wrong(string what, string? value)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        (what.StartsWith("CNI_", StringComparison.Ordinal)
            ? lab.Run("DEL", Config.Redirect, with: (what, value))
            : lab.Run("DEL", Config.Changed(json => json[what] = JsonNode.Parse(value!)))).AssertSuccess();
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void With_the_result_in_the_configuration_as_newer_runtimes_do()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        string config = Config.Changed(json => json["cniVersion"] = "1.0.0");
        JsonObject result = lab.Add(config);
        lab.Delete(Config.Changed(json =>
        {
            json["cniVersion"] = "1.0.0";
            json["prevResult"] = result.DeepClone();
        }));
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void After_someone_took_away_half()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        Lab.In(lab.Pod, "nft", "delete", "table", "inet", "egress-router-net1");
        Lab.Batch(lab.Pod, "address del 192.168.12.99/24 dev net1");
        lab.Delete(Config.Redirect);

        // What the sysctls were can no longer be known for certain.
        lab.PodSnapshot().AssertSameAs(pod, except: Snapshot.Sysctls);
    }

    /// <summary>The link of the default route that is to be put back is down: it is no way any more, and DEL is done.</summary>
    [RootFact]
    public void With_the_cluster_interface_down()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        Lab.In(lab.Pod, "ip", "link", "set", "eth0", "down");
        lab.Delete(Config.Redirect);
        Assert.DoesNotContain("egress-router", Lab.In(lab.Pod, "nft", "list", "tables"), StringComparison.Ordinal);
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
    }

    /// <summary>Default routes of every make come back as they were.</summary>
    [RootTheory]
    [InlineData("via 10.129.2.1 dev eth0 metric 100 mtu 1300")]
    [InlineData("nexthop via 10.129.2.1 dev eth0 nexthop via 10.129.2.2 dev eth0 weight 3")]
    [InlineData("nexthop via 10.129.2.1 dev eth0 nexthop via 10.131.2.1 dev down0")]
    [InlineData("via 169.254.1.1 dev eth0 onlink proto static")]
    [InlineData("dev eth0 scope link")]
    [InlineData("nhid 5")]
    [InlineData("tos 0x10 via 10.129.2.1 dev eth0")]
    [InlineData("via 10.129.2.1 dev eth0 src 10.129.2.31 window 60000 initcwnd 20 realm 3")]
    [InlineData("via inet6 fe80::1 dev eth0 onlink")]
    public void Default_routes_of_every_make_are_as_before(string route) => AssertAsBefore("default " + route);

    /// <summary>What is remembered of it does not fit into one comment of nf_tables.</summary>
    [RootFact]
    public void A_default_route_with_many_next_hops_is_as_before() =>
        AssertAsBefore(
            "default " + string.Join(' ', Enumerable.Range(1, 20).Select(hop => $"nexthop via 10.129.2.{hop} dev eth0 weight {hop}")));

    /// <summary>The kernel takes the one whose type of service is the packet's first.</summary>
    [RootFact]
    public void Default_routes_that_differ_in_their_type_of_service_are_as_before() =>
        AssertAsBefore("default tos 0x08 via 10.129.2.2", "default tos 0x10 via 10.129.2.3", "default via 10.129.2.1");

    private static void AssertAsBefore(params IEnumerable<string> routes)
    {
        using var lab = new Lab();
        Lab.Batch(lab.Pod, """
            nexthop add id 5 via 10.129.2.1 dev eth0
            link add down0 type veth peer name peer0
            address add 10.131.2.31/23 dev down0
            link set down0 up
            """);
        Lab.In(lab.Pod, "ip", "-4", "route", "del", "default");
        foreach (string route in routes)
        {
            Lab.In(lab.Pod, ["ip", "-4", "route", "add", .. route.Split(' ')]);
        }

        Snapshot pod = lab.PodSnapshot();
        JsonObject result = lab.Add(Config.Redirect);
        lab.Check(Config.Redirect, result).AssertSilentSuccess();
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>IPv6 forwarding that one link alone had: the kernel writes that of "all" to every link.</summary>
    [RootFact]
    public void Ipv6_forwarding_of_one_link_is_as_before()
    {
        using var lab = new Lab();
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/eth0/forwarding", "1");
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect6);
        lab.Delete(Config.Redirect6);
        lab.PodSnapshot().AssertSameAs(pod);
    }
}
