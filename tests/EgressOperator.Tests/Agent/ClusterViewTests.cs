using System.Collections.Immutable;
using System.Net;
using EgressIp;
using EgressOperator.Agent;
using EgressOperator.Controller;

namespace EgressOperator.Tests.Agent;

/// <summary>Which node an agent takes for the one that is to hold an address, and for the one that does.</summary>
public class ClusterViewTests
{
    private const string Address = "192.168.126.10";

    public static TheoryData<string, string, string, string, string> Cases => new()
    {
        // The status, what nodes hold (address taken from another node: node<other), dead nodes; owner, holder.
        { "n1", "", "", "n1", "-" },
        { "n1", "n1", "", "n1", "n1" },
        { "-", "", "", "-", "-" },
        // A planned move: the new one waits until the old one has released it.
        { "n2", "n1", "", "n2", "n1" },
        { "n2", "n1 n2", "", "n2", "n2" },
        // The node is dead: the controller's rules choose another, which says from whom it has taken the address.
        { "n1", "n1", "n1", "n2", "n1" },
        { "n1", "n1 n2<n1", "n1", "n2", "n2" },
        // It is back: the other keeps the address, whatever the status still says.
        { "n1", "n2<n1", "", "n2", "n2" },
        { "n1", "n1 n2<n1", "", "n2", "n2" },
        // The one that had taken it is dead too.
        { "n1", "n1 n2<n1", "n1 n2", "n3", "n2" },
        // Nobody may hold it.
        { "n1", "n1", "n1 n2 n3", "-", "n1" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Owner_and_holder(string status, string holding, string dead, string owner, string holder)
    {
        ViewedAddress address = Assert.Single(Assert.Single(View(status, holding, dead).Objects).Addresses);
        Assert.Equal((owner, holder), (address.Owner ?? "-", address.Holder ?? "-"));
    }

    [Fact]
    public void All_addresses_of_the_spec_are_seen_once_and_those_that_are_none_are_not()
    {
        ViewedObject seen = Assert.Single(View("-", "", "", "192.168.126.10", "192.168.126.10", "x", "fd00::1").Objects);
        Assert.Equal(["192.168.126.10", "fd00::1"], seen.Addresses.Select(address => address.Address.ToString()));
        Assert.True(seen.Wants(ipv6: true));
    }

    private static ClusterView View(string status, string holding, string dead, params string[] addresses)
    {
        var source = new EgressIP(
            "e", DateTimeOffset.UnixEpoch, addresses.Length == 0 ? [Address] : [.. addresses], LabelSelector.Everything, null,
            status == "-" ? [] : [new StatusItem(Address, status)]);
        Node[] nodes = [.. new[] { "n1", "n2", "n3" }.Select(name => new Node(
            name, new Dictionary<string, string> { [Node.AssignableLabel] = "" }, Ready: true,
            [NodeNetwork.Of("eth0", $"192.168.126.{name[1]}/24")], null, []))];
        var holdings = holding.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(held => held.Split('<')).ToDictionary(
            held => held[0], held => ImmutableArray.Create(new HeldBy(IPAddress.Parse(Address), held.ElementAtOrDefault(1))));
        var gone = dead.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToImmutableHashSet();
        return ClusterView.Of(
            new Cluster([source], [.. nodes], [.. nodes.Select(node => node.Name)], [], []),
            new Dictionary<string, WatchedEgressIP>
            {
                ["e"] = new("uid", source, new EgressIPStatus([], null), null, [], FailsOpen: false),
            },
            nodes.ToDictionary(node => node.Name, node => new WatchedNode(node, false, "uid", [], [])),
            new PeerView(holdings, gone, gone));
    }
}
