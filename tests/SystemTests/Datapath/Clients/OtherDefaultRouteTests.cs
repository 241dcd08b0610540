using System.Text.Json.Nodes;
using SystemTests.Tools;

namespace SystemTests.Clients;

/// <summary>
/// Another interface than the one by which clients come holds the pod's default route, as Multus' <c>default-route</c> makes it
/// for an attachment.
/// </summary>
public class OtherDefaultRouteTests
{
    private const string Warning =
        "answers to clients beyond the pod's own routes leave by eth1, which had the pod's default route, not by eth0";

    private static readonly string _config = Config.ChangedDualStack(json =>
    {
        json["ip"]!["addresses"] = new JsonArray("192.168.12.99/24", "2001:db8:12::99/64");
        json["ip"]!["destinations"] = new JsonArray(
            "80 tcp 192.168.12.91", "80 udp 192.168.12.91", "80 tcp 2001:db8:12::91", "80 udp 2001:db8:12::91");
    });

    private static readonly string _named = Config.Changed(_config, json => json["clusterInterface"] = "eth0");

    [RootFact]
    public void Answers_follow_the_interface_that_is_named()
    {
        using Lab lab = Prepare();
        Snapshot pod = lab.PodSnapshot();
        CommandResult added = lab.Run("ADD", _named);
        Assert.Equal(0, added.ExitCode);
        Assert.DoesNotContain("[warning]", added.Stderr, StringComparison.Ordinal);
        AssertServed(lab);
        JsonObject result = JsonNode.Parse(added.Stdout)!.AsObject();
        lab.Check(_named, result).AssertSilentSuccess();
        Tool.OnPod(lab, _named, "status").AssertText("net1 of");
        Tool.OnPod(lab, _named, "probe").AssertText("every hop works\n");
        lab.Delete(_named);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Nothing tells which interface clients come by: it is warned of, and the remedy works without a restart.</summary>
    [RootFact]
    public void Without_a_name_it_is_warned_of_and_repair_takes_the_name()
    {
        using Lab lab = Prepare();
        Snapshot pod = lab.PodSnapshot();
        CommandResult added = lab.Run("ADD", _config);
        Assert.Equal(0, added.ExitCode);
        Assert.Equal(
            2,
            added.Stderr.Split('\n').Count(
                line => line.Contains("[warning]", StringComparison.Ordinal) && line.Contains(Warning, StringComparison.Ordinal)));

        // What is known is used: these need no default route.
        SecondNetwork.AssertRedirects(lab, Lab.PodAddress);
        SecondNetwork.AssertRedirects(lab, Lab.PodAddress6);
        CommandResult status = Tool.OnPod(lab, _config, "status");
        Assert.Contains("  warning: IPv4 " + Warning, status.Stdout, StringComparison.Ordinal);
        Assert.Contains("  warning: IPv6 " + Warning, status.Stdout, StringComparison.Ordinal);
        Tool.OnPod(lab, _config, "probe").AssertText("every hop works, but IPv4 " + Warning);

        CommandResult repaired = Tool.OnPod(lab, _named, "repair");
        Assert.True(repaired.ExitCode == 0, repaired.ToString());
        AssertServed(lab);
        lab.Check(_named, JsonNode.Parse(added.Stdout)!.AsObject()).AssertSilentSuccess();
        lab.Delete(_named);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Named, but its gateway is known to nobody.</summary>
    [RootFact]
    public void An_interface_without_a_gateway_is_warned_of()
    {
        using Lab lab = Prepare(routes: "");
        CommandResult added = lab.Run("ADD", _named);
        Assert.Equal(0, added.ExitCode);
        Assert.Contains("no IPv4 gateway is known", added.Stderr, StringComparison.Ordinal);
        SecondNetwork.AssertRedirects(lab, Lab.PodAddress);
        Assert.Contains("warning: no IPv6 gateway is known", Tool.OnPod(lab, _named, "status").Stdout, StringComparison.Ordinal);
        lab.Check(_named, JsonNode.Parse(added.Stdout)!.AsObject()).AssertSilentSuccess();
    }

    /// <summary>A strict reverse-path filter must not keep out clients whose answers have moved.</summary>
    [RootFact]
    public void A_strict_reverse_path_filter_is_loosened_where_clients_come_by()
    {
        using Lab lab = Prepare();
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/eth0/rp_filter", "1");
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/eth1/rp_filter", "1");
        Snapshot pod = lab.PodSnapshot();
        lab.Add(_named);
        AssertServed(lab);
        lab.Delete(_named);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    private static void AssertServed(Lab lab)
    {
        SecondNetwork.AssertRedirects(lab, Lab.PodAddress);
        SecondNetwork.AssertRedirects(lab, Lab.PodAddress, "10.200.0.5");
        SecondNetwork.AssertRedirects(lab, Lab.PodAddress6);
        SecondNetwork.AssertRedirects(lab, Lab.PodAddress6, "fd00:10:200::5");
    }

    /// <summary>Far clients that only a default route leads to; the other network drops what it did not send.</summary>
    private static Lab Prepare(string routes = "route add 10.128.0.0/14 via 10.129.2.1\nroute add fd00:10:128::/48 via fd00:10:129::1")
    {
        var lab = new Lab();
        SecondNetwork.Serve(lab);
        SecondNetwork.Attach(lab);
        Lab.Batch(lab.Client, """
            address add 10.200.0.5/32 dev lo
            address add fd00:10:200::5/128 dev lo nodad
            """);
        Lab.In(lab.Client, "nft", "add table inet wrong; add chain inet wrong input { type filter hook input priority 0; }; "
            + "add rule inet wrong input iifname pod1 ip daddr { 10.129.0.0/16, 10.200.0.0/16 } drop; "
            + "add rule inet wrong input iifname pod1 ip6 daddr { fd00:10:129::/48, fd00:10:200::/48 } drop");
        Lab.Batch(lab.Pod, $"""
            route del default
            route del default via fd00:10:129::1
            route add default via 10.88.0.1
            route add default via fd00:10:88::1
            {routes}
            """);
        return lab;
    }
}
