using System.Collections.Immutable;
using System.Net;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using EgressIp;
using EgressOperator.Agent;
using EgressOperator.Controller;
using Netlink.Routing;
using Member = EgressIp.Member;

namespace EgressOperator.Tests.Agent;

/// <summary>What a node has to do in a cluster.</summary>
public class DutiesOfNodeTests
{
    private static readonly NodeNetworks _networks = new(
        [new LinkNetwork("eth0", IPNetwork.Parse("192.0.2.0/24"), [Ip("192.0.2.11")], []),
            new LinkNetwork("eth1", IPNetwork.Parse("198.51.100.0/24"), [Ip("198.51.100.11")], []),
            new LinkNetwork("cni0", IPNetwork.Parse("10.244.1.0/24"), [Ip("10.244.1.1")], [])],
        ["eth0"],
        [],
        new Dictionary<string, Link> { ["eth0"] = new() { Index = 2, Name = "eth0" }, ["eth1"] = new() { Index = 3, Name = "eth1" } });

    [Fact]
    public void Connections_go_to_the_holder_or_wait()
    {
        ViewedObject served = Object(
            [new(Ip("192.0.2.100"), "n2", "n2"), new(Ip("192.0.2.101"), "n1", null), new(Ip("192.0.2.102"), "n1", "n1")],
            Pod("n1", "10.244.1.2", "fd00:244:1::2"));
        Duties duties = Of(served, held: "192.0.2.102");
        ServedObject here = Assert.Single(duties.Objects);
        Assert.Equal(["10.244.1.2"], here.Pods.Select(pod => pod.ToString()));
        Assert.Equal([new Way.Tunnel(Ip("192.0.2.12")), new Way.Hold(), new Way.Here(null)], here.Addresses.Select(address => address.Way));
    }

    [Fact]
    public void A_held_address_serves_all_pods_of_its_family_by_the_link_of_its_network()
    {
        ViewedObject served = Object(
            [new(Ip("198.51.100.7"), "n1", "n1")],
            Pod("n1", "10.244.1.2"), Pod("n2", "10.244.2.2", "fd00:244:2::2"), Pod("unknown", "10.244.9.2"));
        HeldAddress held = Assert.Single(Of(served, held: "198.51.100.7").Held);
        Assert.Equal(("eth1", true), (held.Link, held.HasOwnWay));
        Assert.Equal(
            [("10.244.1.2", null), ("10.244.2.2", "192.0.2.12")],
            held.Members.Select(member => (member.Pod.ToString(), member.Node?.ToString())));
        Assert.Equal(new Way.Here("eth1"), Assert.Single(Assert.Single(Of(served, held: "198.51.100.7").Objects).Addresses).Way);
    }

    /// <summary>A younger EgressIP names an address that the controller has given to an older one.</summary>
    [Fact]
    public void An_address_of_another_object_serves_no_pods_of_this_one()
    {
        ViewedObject younger = Object([new(Ip("192.0.2.100"), null, null)], Pod("n1", "10.244.1.2"), Pod("n2", "10.244.2.2"));
        Duties duties = Of(younger, held: "192.0.2.100");
        Assert.Empty(duties.Held);
        Assert.Equal(new Way.Hold(), Assert.Single(Assert.Single(duties.Objects).Addresses).Way);
    }

    [Fact]
    public void An_address_without_a_network_of_the_node_is_not_held() =>
        Assert.Empty(Of(Object([new(Ip("203.0.113.7"), "n1", "n1")], Pod("n1", "10.244.1.2")), held: "203.0.113.7").Held);

    [Fact]
    public void An_object_without_pods_here_is_no_duty() =>
        Assert.Empty(Of(Object([new(Ip("192.0.2.100"), "n2", "n2")], Pod("n2", "10.244.2.2"))).Objects);

    [Fact]
    public void Pods_nodes_link_local_addresses_and_exceptions_are_inside()
    {
        Duties duties = Of(Object([], Pod("n1", "10.244.1.2")));
        Assert.Equal(
            ["10.244.1.0/24", "10.244.2.0/24", "10.96.0.0/12", "169.254.0.0/16", "192.0.2.11/32", "192.0.2.12/32", "fd00:2::12/128", "fe80::/10"],
            duties.Inside.Select(network => network.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(["192.0.2.12", "fd00:2::12"], duties.Peers.Select(peer => peer.ToString()));
        // eth1 has no default route, but other machines; a bridge of pods has none.
        Assert.Equal<string>(["eth0", "eth1"], duties.OutsideLinks);
    }

    private static Duties Of(ViewedObject served, params string[] held)
    {
        WatchedNode[] nodes = [Watched("n1", "10.244.1.0/24", "192.0.2.11"), Watched("n2", "10.244.2.0/24", "192.0.2.12", "fd00:2::12")];
        return new DutiesOfNode("n1", [IPNetwork.Parse("10.96.0.0/12")]).Of(
            new ClusterView(nodes.ToDictionary(node => node.Node.Name), [served]), _networks, held.Select(Ip).ToHashSet());
    }

    private static WatchedNode Watched(string name, string pods, params string[] addresses) => new(
        new Node(name, new Dictionary<string, string>(), Ready: true, [], null, []), false, "uid", [.. addresses.Select(Ip)],
        [IPNetwork.Parse(pods)]);

    private static ViewedObject Object(ImmutableArray<ViewedAddress> addresses, params Member[] members)
    {
        var source = new EgressIP(
            "e", DateTimeOffset.UnixEpoch, [.. addresses.Select(address => address.Address.ToString())], LabelSelector.Everything, null,
                []);
        return new ViewedObject(
            new WatchedEgressIP("uid", source, new EgressIPStatus([], null), null, [], FailsOpen: false), addresses, [.. members]);
    }

    private static Member Pod(string node, params string[] addresses) => new("prod", "pod", node, [.. addresses.Select(Ip)], []);

    private static IPAddress Ip(string text) => IPAddress.Parse(text);
}
