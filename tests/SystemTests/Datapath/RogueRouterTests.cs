using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>What the outside says of routes is not believed. Each message is shown to be a good one in the end.</summary>
public class RogueRouterTests
{
    private const string Egress = "192.168.12.99";
    private const string Egress6 = "2001:db8:12::99";

    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Router_advertisements_of_the_outside_change_nothing(bool dualStack)
    {
        using var lab = new Lab();
        lab.Add(dualStack ? Config.DualStack : Config.Redirect);
        Snapshot before = lab.PodSnapshot();
        RawPackets.SendRouterAdvertisement(lab.Lan, "node0");
        Fence.PassOutside(lab);
        lab.PodSnapshot().AssertSameAs(before, except: Snapshot.Sysctls);

        // A pod that believes in them shows that they are good ones.
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/net1/disable_ipv6", "0");
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/net1/accept_ra", "2");
        RawPackets.SendRouterAdvertisement(lab.Lan, "node0");
        Fence.PassOutside(lab);
        Assert.Contains("proto ra", Lab.In(lab.Pod, "ip", "-6", "route"), StringComparison.Ordinal);
    }

    [RootFact]
    public void Redirects_of_the_outside_change_nothing()
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        // The kernel believes a redirect only if it knows the better gateway's hardware address.
        Lab.In(lab.Pod, "ip", "neighbor", "replace", "192.168.12.92", "lladdr", "02:00:00:00:00:42", "dev", "net1", "nud", "permanent");
        void Redirect() =>
            RawPackets.SendRedirect(lab.Lan, "node0", "192.168.12.1", Egress, "192.168.12.92", "203.0.113.26");

        string RouteNow() => Lab.In(lab.Pod, "ip", "route", "get", "203.0.113.26");
        Snapshot before = lab.PodSnapshot();
        Redirect();
        Fence.PassOutside(lab);
        Assert.Contains("via 192.168.12.1 ", RouteNow(), StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(before);

        // A pod that lets it in and believes in it shows that it is a good one.
        Lab.In(lab.Pod, "nft", "flush", "chain", "inet", "egress-router-net1", "inbound");
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/all/accept_redirects", "1");
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/net1/accept_redirects", "1");
        Redirect();
        Fence.PassOutside(lab);
        Assert.Contains("via 192.168.12.92 ", RouteNow(), StringComparison.Ordinal);
    }

    [RootFact]
    public void IPv6_redirects_of_the_outside_change_nothing()
    {
        using var lab = new Lab();
        // The gateway is the address that redirects come from.
        string gateway = RawPackets.LinkLocalOf(lab.Lan, "node0");
        lab.Add(Config.ChangedDualStack(config => config["ip"]!["gateways"] = new JsonArray("192.168.12.1", gateway)));
        string RouteNow() => Lab.In(lab.Pod, "ip", "-6", "route", "get", "2001:db8:113::25");
        Snapshot before = lab.PodSnapshot();
        RawPackets.SendRedirect6(lab.Lan, "node0", Egress6, "fe80::bad", "2001:db8:113::25");
        Fence.PassOutside(lab);
        Assert.Contains($"via {gateway} ", RouteNow(), StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(before);

        // A pod that lets it in and believes in it shows that it is a good one.
        Lab.In(lab.Pod, "nft", "flush", "chain", "inet", "egress-router-net1", "inbound");
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/net1/forwarding", "0");
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/net1/accept_redirects", "1");
        RawPackets.SendRedirect6(lab.Lan, "node0", Egress6, "fe80::bad", "2001:db8:113::25");
        Fence.PassOutside(lab);
        Assert.Contains("via fe80::bad ", RouteNow(), StringComparison.Ordinal);
    }
}
