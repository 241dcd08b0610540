using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>What Multus does before and after each verb, with all that an annotation can ask for.</summary>
public class MultusTests
{
    private const string OtherGateway = "192.168.12.2";
    private const string OtherGateway6 = "2001:db8:12::2";
    private const string Address = "192.168.12.77";
    private const string Mac = "02:00:5e:10:00:77";

    private static readonly string _dualStack = Config.ChangedDualStack(
        json => json["ip"]!["destinations"] = new JsonArray("80 tcp 203.0.113.26", "80 tcp 2001:db8:113::25"));

    private static readonly string _second = Config.Changed(json =>
    {
        json["name"] = "egress-router-2";
        json["ip"]!["addresses"] = new JsonArray("192.168.12.98/24");
        json["ip"]!["destinations"] = new JsonArray("81 tcp 203.0.113.27");
    });

    /// <summary>
    /// eth0 has no default route when ADD runs. The gateway that is asked for is that of the configuration or another one:
    /// the pod's own connections go by it, redirected ones by that of the configuration.
    /// </summary>
    [RootTheory]
    [InlineData("192.168.12.1", "2001:db8:12::1")]
    [InlineData(OtherGateway, OtherGateway6)]
    public void Default_route_for_the_router(string gateway, string gateway6)
    {
        using var lab = WithClusterRoutes();
        Snapshot pod = lab.PodSnapshot();
        using var runtime = new Runtime(lab.Node);
        var multus = new Multus(lab, runtime);
        var selection = new Selection(_dualStack) { DefaultRoute = [gateway, gateway6] };
        lab.Serve(Protocol.Tcp, "203.0.113.26", 80);
        lab.Serve(Protocol.Tcp, "2001:db8:113::25", 80);

        AssertSuccess(multus.Attach([selection]));
        Assert.Equal([gateway], DefaultGateways(lab, "-4"));
        Assert.Equal([gateway6], DefaultGateways(lab, "-6"));
        JsonArray routes = multus.ResultOf(selection)["routes"]!.AsArray();
        Assert.Contains(routes, route => ((string?)route!["dst"], (string?)route["gw"]) == ("0.0.0.0/0", gateway));
        Assert.Contains(routes, route => ((string?)route!["dst"], (string?)route["gw"]) == ("::0/0", gateway6));
        multus.Check(selection).AssertSilentSuccess();
        foreach (string? source in (string?[])[null, Lab.FarClient])
        {
            Assert.Equal(new Arrival("192.168.12.99", "203.0.113.26", 80), lab.Connect(Protocol.Tcp, 80, source: source));
        }

        foreach (string? source in (string?[])[null, Lab.FarClient6])
        {
            Assert.Equal(new Arrival("2001:db8:12::99", "2001:db8:113::25", 80), lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6, source));
        }

        Assert.Equal("192.168.12.99", Lab.Ask(lab.Pod, Protocol.Tcp, "203.0.113.26", 80)?.Source);
        multus.Detach(selection);
        Lab.Batch(lab.Pod, """
            route add default via 10.129.2.1
            route add default via fd00:10:129::1
            """);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>What Multus has put there is not ours to defend, but no default route at all is told.</summary>
    [RootFact]
    public void A_default_route_that_is_gone_after_Multus_is_noticed()
    {
        using var lab = WithClusterRoutes();
        using var runtime = new Runtime(lab.Node);
        var multus = new Multus(lab, runtime);
        var selection = new Selection(Config.Redirect) { DefaultRoute = ["192.168.12.1"] };
        AssertSuccess(multus.Attach([selection]));
        Lab.In(lab.Pod, "ip", "route", "del", "default");
        multus.Check(selection).AssertErrorNaming([102], "IPv4 route default via 192.168.12.1 dev net1");
    }

    /// <summary>The default route of the first is taken away by Multus, that of the second is asked for.</summary>
    [RootFact]
    public void Default_route_for_the_second_of_two()
    {
        using var lab = WithClusterRoutes();
        Snapshot pod = lab.PodSnapshot();
        using var runtime = new Runtime(lab.Node);
        var multus = new Multus(lab, runtime);
        var first = new Selection(Config.With("80 tcp 203.0.113.26"), "net1");
        var second = new Selection(_second, "net2") { DefaultRoute = ["192.168.12.1"] };
        lab.Serve(Protocol.Tcp, "203.0.113.26", 80);
        lab.Serve(Protocol.Tcp, "203.0.113.27", 81);

        AssertSuccess(multus.Attach([first, second]));
        Assert.Empty(multus.ResultOf(first)["routes"]!.AsArray());
        Assert.Contains("dev net2", Lab.In(lab.Pod, "ip", "-4", "route", "show", "default"), StringComparison.Ordinal);
        foreach (string? source in (string?[])[null, Lab.FarClient])
        {
            Assert.Equal(new Arrival("192.168.12.99", "203.0.113.26", 80), lab.Connect(Protocol.Tcp, 80, source: source));
            Assert.Equal(new Arrival("192.168.12.98", "203.0.113.27", 81), lab.Connect(Protocol.Tcp, 81, source: source));
        }

        multus.Check(first).AssertSilentSuccess();
        multus.Check(second).AssertSilentSuccess();
        multus.Detach(second);
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.26", 80), lab.Connect(Protocol.Tcp, 80));
        multus.Check(first).AssertSilentSuccess();
        multus.Detach(first);
        Lab.Batch(lab.Pod, """
            route add default via 10.129.2.1
            route add default via fd00:10:129::1
            """);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>
    /// The cluster's network is to have the default route, and Multus takes that of the router away after ADD. Redirected
    /// connections have a way of their own; DEL gives the pod back what it had.
    /// </summary>
    [RootFact]
    public void Default_route_for_the_network_of_the_cluster()
    {
        using var lab = WithClusterRoutes();
        Snapshot pod = lab.PodSnapshot();
        using var runtime = new Runtime(lab.Node);
        var multus = new Multus(lab, runtime);
        var selection = new Selection(Config.With("80 tcp 203.0.113.26"));
        lab.Serve(Protocol.Tcp, "203.0.113.26", 80);
        AssertSuccess(multus.Attach([selection], "10.129.2.1", "fd00:10:129::1"));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.26", 80), lab.Connect(Protocol.Tcp, 80, source: Lab.FarClient));
        multus.Check(selection).AssertSilentSuccess();
        multus.Detach(selection);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>As a capability where the configuration lists it, else in CNI_ARGS alone, which Multus still passes.</summary>
    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Address_and_hardware_address_of_the_annotation(bool hasCapabilities)
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        var multus = new Multus(lab, runtime);
        Snapshot pod = lab.PodSnapshot();
        var selection = new Selection(Allowing(hasCapabilities)) { Ips = [Address + "/24"], Mac = Mac };
        AssertAttached(lab, multus, selection);
        Assert.Equal(Mac, (string?)multus.ResultOf(selection)["interfaces"]![0]!["mac"]);
        Assert.Contains(Mac, Lab.In(lab.Pod, "ip", "link", "show", "net1"), StringComparison.Ordinal);
        multus.Detach(selection);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary><c>cni-args</c>: what is not known there belongs to others.</summary>
    [RootFact]
    public void Address_of_cni_args()
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        var multus = new Multus(lab, runtime);
        AssertAttached(lab, multus, new Selection(Allowing(hasCapabilities: true))
        {
            CniArgs = new JsonObject
            {
                ["ips"] = new JsonArray(Address),
                ["labels"] = new JsonArray(new JsonObject { ["key"] = "app", ["value"] = "router" }),
                ["other"] = 7
            },
        });
    }

    /// <summary>An attachment without what was asked for would be another than the pod's owner believes to have.</summary>
    [RootTheory]
    [InlineData(true, "10.1.2.3", null, "10.1.2.3")]
    [InlineData(false, "10.1.2.3", null, "10.1.2.3")]
    [InlineData(true, "192.168.12.77,192.168.12.300", null, "192.168.12.300")]
    [InlineData(false, "192.168.12.77,10.1.2.3", null, "10.1.2.3")]
    [InlineData(true, null, "01:00:5e:10:00:77", "01:00:5e:10:00:77")]
    [InlineData(false, null, "hardware", "hardware")]
    public void What_was_asked_for_and_cannot_be_fails_the_pod(bool hasCapabilities, string? ips, string? mac, string named)
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        var multus = new Multus(lab, runtime);
        Snapshot pod = lab.PodSnapshot();
        var first = new Selection(_second, "net1");
        var second = new Selection(Allowing(hasCapabilities), "net2") { Ips = ips?.Split(',') ?? [], Mac = mac };
        multus.Attach([first, second]).AssertErrorNaming([7], named);

        // Multus has taken the first one away again.
        lab.PodSnapshot().AssertSameAs(pod);
    }

    private static string Allowing(bool hasCapabilities) => Config.Changed(json =>
    {
        json.Remove("name");
        json["ip"]!["allowedAddresses"] = new JsonArray("192.168.12.64/27");
        if (hasCapabilities)
        {
            json["capabilities"] = new JsonObject { ["ips"] = true, ["mac"] = true };
        }
    });

    /// <summary>
    /// A pod of a cluster network that has routes of its own besides the default route, and an outside with two gateways.
    /// </summary>
    private static Lab WithClusterRoutes()
    {
        var lab = new Lab();
        Lab.Batch(lab.Lan, $"""
            address add {OtherGateway}/24 dev node0
            address add {OtherGateway6}/64 dev node0 nodad
            """);
        Lab.Batch(lab.Pod, """
            route add 10.130.0.0/16 via 10.129.2.1
            route add fd00:10:130::/64 via fd00:10:129::1
            """);
        return lab;
    }

    private static void AssertSuccess(CommandResult result) => Assert.True(result.ExitCode == 0, result.ToString());

    private static void AssertAttached(Lab lab, Multus multus, Selection selection)
    {
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        AssertSuccess(multus.Attach([selection]));
        Assert.Equal([Address + "/24"], multus.ResultOf(selection)["ips"]!.AsArray().Select(ip => (string?)ip!["address"]));
        Assert.Equal(Address, lab.Connect(Protocol.Tcp, 80)?.Source);
        multus.Check(selection).AssertSilentSuccess();
    }

    private static string[] DefaultGateways(Lab lab, string family) =>
        [.. JsonNode.Parse(Lab.In(lab.Pod, "ip", "-j", family, "route", "show", "default"))!.AsArray()
            .Select(route => (string)route!["gateway"]!)];
}
