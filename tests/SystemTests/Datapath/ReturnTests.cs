using System.Text.Json.Nodes;
using Shared;

namespace SystemTests;

/// <summary>Replies find the client, and the pod its node, whatever routes the pod has.</summary>
public class ReturnTests
{
    /// <summary>A client that no cluster route of the tests leads to.</summary>
    private const string Elsewhere = "10.200.0.5";

    [RootFact]
    public void A_server_in_the_pod_is_reached_by_a_far_client()
    {
        using var lab = new Lab();
        lab.Add(Config.TwoAddresses);
        foreach (Protocol protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
        {
            lab.ServeIn(lab.Pod, protocol, Lab.PodAddress, 7000);
            lab.ServeIn(lab.Pod, protocol, Lab.PodAddress6, 7000);
            Assert.Equal(new Arrival(Lab.FarClient, Lab.PodAddress, 7000), lab.Connect(protocol, 7000, source: Lab.FarClient));
            Assert.Equal(new Arrival(Lab.FarClient6, Lab.PodAddress6, 7000), lab.Connect(protocol, 7000, Lab.PodAddress6, Lab.FarClient6));
        }
    }

    [RootFact]
    public void Cluster_routes_stand_in_for_the_default_route_that_the_runtime_has_taken_away()
    {
        using Lab lab = WithoutDefaultRoute();
        Lab.Batch(lab.Pod, """
            route add 10.128.0.0/14 via 10.129.2.1
            route add 172.30.0.0/16 via 10.129.2.1
            """);
        AssertGatewayIsFound(lab, Config.Redirect);
    }

    [RootTheory]
    [InlineData("""{ "ips": [{ "version": "4", "address": "10.129.2.31/23", "gateway": "10.129.2.1", "interface": 0 }] }""")]
    [InlineData("""{ "routes": [{ "dst": "0.0.0.0/0", "gw": "10.129.2.1" }] }""")]
    public void The_gateway_of_the_result_before_stands_in_where_there_is_no_route(string previous)
    {
        using Lab lab = WithoutDefaultRoute();
        string config = Config.Changed(json =>
        {
            JsonObject result = JsonNode.Parse(previous)!.AsObject();
            result["cniVersion"] = "0.4.0";
            result["interfaces"] = JsonNode.Parse($$"""[{ "name": "eth0", "sandbox": "{{Lab.PathOf(lab.Pod)}}" }]""");
            json["prevResult"] = result;
        });
        AssertGatewayIsFound(lab, config);
    }

    /// <summary>ADD finds a gateway, replies reach far clients, CHECK is silent, and DEL restores the pod.</summary>
    private static void AssertGatewayIsFound(Lab lab, string config)
    {
        Snapshot pod = lab.PodSnapshot();
        CommandResult added = lab.Run("ADD", config);
        Assert.Equal(0, added.ExitCode);
        Assert.DoesNotContain("no IPv4 gateway", added.Stderr, StringComparison.Ordinal);
        AssertAnswers(lab, null, Lab.FarClient, Elsewhere);
        lab.Check(Config.Redirect, JsonNode.Parse(added.Stdout)!.AsObject()).AssertSilentSuccess();

        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void The_log_says_so_where_nothing_is_known()
    {
        using Lab lab = WithoutDefaultRoute();
        Snapshot pod = lab.PodSnapshot();
        CommandResult added = lab.Run("ADD", Config.Redirect);
        Assert.Equal(0, added.ExitCode);
        Assert.Contains(added.Stderr.Split('\n'), line =>
            line.Contains("[warning]", StringComparison.Ordinal) && line.Contains("no IPv4 gateway is known", StringComparison.Ordinal));
        AssertAnswers(lab, [null]);

        // What has no known way back must not take the way out.
        using var outside = Capture.Outside(lab);
        Lab.AssertNoAnswers(lab.Client, (Protocol.Tcp, Lab.PodAddress, 80, Lab.FarClient));
        Assert.DoesNotContain(outside.Frames(), frame => frame.Destination?.ToString() == Lab.FarClient);

        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootTheory]
    [InlineData("192.168.12.10")]
    [InlineData("2001:db8:12::10")]
    public void The_nodes_own_address_is_reached_by_the_cluster_interface(string address)
    {
        using var lab = new Lab();
        // The pod's gateway is the node, as in every cluster.
        Lab.Batch(lab.Client, $"""
            link add up0 type veth peer name cluster0 netns {lab.Node}
            address add 172.31.255.1/30 dev up0
            address add fd00:31::1/64 dev up0 nodad
            link set up0 up
            """);
        Lab.Batch(lab.Node, """
            address add 172.31.255.2/30 dev cluster0
            address add fd00:31::2/64 dev cluster0 nodad
            link set cluster0 up
            route add 10.129.2.0/23 via 172.31.255.1
            route add fd00:10:129::/64 via fd00:31::1
            """);
        Lab.Batch(lab.Client, """
            route add 192.168.12.10 via 172.31.255.2
            route add 2001:db8:12::10 via fd00:31::2
            """);
        Lab.WriteSysctl(lab.Client, "net/ipv4/ip_forward", "1");
        Lab.WriteSysctl(lab.Client, "net/ipv6/conf/all/forwarding", "1");
        lab.ServeIn(lab.Node, Protocol.Tcp, address, 10250);

        lab.Add(Config.DualStack);
        string pod = address.Contains(':', StringComparison.Ordinal) ? Lab.PodAddress6 : Lab.PodAddress;
        Assert.Equal(new Arrival(pod, address, 10250), Lab.Ask(lab.Pod, Protocol.Tcp, address, 10250));
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_default_route_of_a_router_advertisement_outlives_the_attachment(bool ipv6)
    {
        using var lab = new Lab();
        Lab.Batch(lab.Pod, """
            route del default via fd00:10:129::1
            route add default via fd00:10:129::1 dev eth0 proto ra metric 1024
            """);
        Snapshot pod = lab.PodSnapshot();
        string routes = Lab.In(lab.Pod, "ip", "-6", "route");
        string config = ipv6 ? Config.DualStack : Config.Redirect;
        CommandResult added = lab.Run("ADD", config);
        Assert.Equal(0, added.ExitCode);
        if (!ipv6)
        {
            Assert.Equal(routes, Lab.In(lab.Pod, "ip", "-6", "route"));
        }
        else
        {
            lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
            Assert.NotNull(lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6, Lab.FarClient6));
        }

        lab.Check(config, JsonNode.Parse(added.Stdout)!.AsObject()).AssertSilentSuccess();
        lab.Delete(config);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void A_router_that_goes_on_advertising_itself_to_the_pod_does_not_get_its_traffic_back()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Pod, "route del default via fd00:10:129::1");
        RawPackets.SendRouterAdvertisement(lab.Client, "pod0");
        Eventually.IsTrue(() => Lab.In(lab.Pod, "ip", "-6", "route")
            .Contains("proto ra", StringComparison.Ordinal), "the advertisement is not believed");
        JsonObject result = lab.Add(Config.DualStack);
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6, Lab.FarClient6));

        RawPackets.SendRouterAdvertisement(lab.Client, "pod0");
        Fence.PassCluster(lab);
        lab.Check(Config.DualStack, result).AssertSilentSuccess();
        Assert.Contains("dev net1", Lab.In(lab.Pod, "ip", "-6", "route", "get", "2001:db8:113::25"), StringComparison.Ordinal);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6, Lab.FarClient6));

        lab.Delete(Config.DualStack);
        Eventually.IsTrue(() => Lab.In(lab.Pod, "ip", "-6", "route", "get", "2001:db8:113::25")
            .Contains("dev eth0", StringComparison.Ordinal), "the default route is not back");
    }

    private static Lab WithoutDefaultRoute()
    {
        var lab = new Lab();
        Lab.Batch(lab.Pod, "route del default");
        Lab.Batch(lab.Client, $"address add {Elsewhere}/32 dev lo");
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Udp, "192.168.12.91", 80);
        return lab;
    }

    private static void AssertAnswers(Lab lab, params string?[] clients)
    {
        foreach (string? client in clients)
        {
            Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80, source: client));
            Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Udp, 80, source: client));
        }
    }
}
