using System.Collections.Immutable;

namespace EgressIp.Tests;

/// <summary>What is told about addresses without a node.</summary>
public class ReasonTests
{
    [Fact]
    public void Nothing_is_told_if_every_address_has_a_node()
    {
        ObjectAssignment made = Assignment.Of(Given.Cluster(Given.ThreeNodes, Given.Object("e", ".10 .102"))).Object("e");
        Assert.Empty(made.Events);
        Assert.Empty(made.Unassigned);
        Assert.Equal<Condition>([new Condition("Assigned", true, "AllAssigned", "every address has a node")], made.Conditions);
    }

    [Fact]
    public void Fewer_nodes_than_addresses()
    {
        ImmutableArray<Node> nodes = [Given.N1, Given.N2.Unlabelled(), Given.N3.Unlabelled()];
        ObjectAssignment made = Assignment.Of(Given.Cluster(nodes, Given.Object("e", ".10 .102"))).Object("e");
        const string Why = "192.168.126.102: n1 already holds an address of this object; "
            + "n2, n3 are not labelled k8s.ovn.org/egress-assignable";
        Assert.Equal(".10@n1", made.Items());
        Assert.Equal<Event>(
            [new Event(EventType.Warning, EventReason.UnassignedRequest, Why) { Subject = "192.168.126.102" }], made.Events);
        Assert.Equal<Condition>([new Condition("Assigned", false, "SomeUnassigned", Why)], made.Conditions);
        Assert.Equal<NodeRefusal>(
            [new("n1", NodeReason.HoldsAddressOfObject), new("n2", NodeReason.NotLabelled), new("n3", NodeReason.NotLabelled)],
            made.Unassigned.Single().Nodes);
    }

    [Fact]
    public void No_node_is_labelled()
    {
        Cluster cluster = Given.Cluster([Given.N1.Unlabelled(), Given.N2.Unlabelled()], Given.Object("e", ".10"));
        ObjectAssignment made = Assignment.Of(cluster).Object("e");
        Event told = Assert.Single(made.Events);
        Assert.Equal(EventReason.NoMatchingNodeFound, told.Reason);
        Assert.Equal("192.168.126.10: no node is labelled k8s.ovn.org/egress-assignable", told.Message);
        Assert.Equal("NoneAssigned", made.Conditions.Single().Reason);
    }

    [Fact]
    public void Each_node_has_its_reason()
    {
        ImmutableArray<Node> nodes =
        [
            Given.N1.Unlabelled() with { Ready = false },
            Given.N2 with { Ready = false },
            Given.N3,
            Given.N4 with { Capacity = new Capacity(null, 0, 0) },
            Given.Node("n5", "10.0.0.1/24"),
        ];
        Cluster cluster = Given.Cluster(nodes, Given.Object("e", ".10"));
        ObjectAssignment made = Assignment.Of(cluster with { Reachable = cluster.Reachable.Remove("n3") }).Object("e");
        Assert.Equal(
            ["NotLabelled", "NotReady", "NotReachable", "NoCapacity", "NoNetwork"],
            made.Unassigned.Single().Nodes.Select(node => node.Reason.ToString()));
        Assert.Equal(
            "n4 has no capacity left; n5 has no network for the address; n3 is not reachable; n2 is not ready; "
                + "n1 is not labelled k8s.ovn.org/egress-assignable",
            made.Unassigned.Single().Message);
    }

    [Fact]
    public void No_network_names_each_node() => Assert.Equal(
        "198.51.100.7: n1, n2, n3 have no network for the address",
        Assignment.Of(Given.Cluster(Given.ThreeNodes, Given.Object("e", "198.51.100.7"))).Object("e").Events.Single().Message);

    [Fact]
    public void A_cluster_without_nodes() => Assert.Equal(
        "192.168.126.10: the cluster has no node",
        Assignment.Of(Given.Cluster([], Given.Object("e", ".10"))).Object("e").Events.Single().Message);

    [Fact]
    public void A_message_lists_at_most_ten_names()
    {
        ImmutableArray<Node> nodes = [.. Enumerable.Range(10, 13).Select(index => Given.Node($"n{index}", "10.0.0.1/24"))];
        Assert.EndsWith(
            "n18, n19 and 3 more have no network for the address",
            Assignment.Of(Given.Cluster(nodes, Given.Object("e", ".10"))).Object("e").Unassigned.Single().Message);
    }

    [Fact]
    public void An_object_without_addresses_says_so() => Assert.Equal<Condition>(
        [new Condition("Assigned", false, "NoAddresses", "spec.egressIPs is empty")],
        Assignment.Of(Given.Cluster(Given.ThreeNodes, Given.Object("e", ""))).Object("e").Conditions);

    /// <summary>Whatever a spec holds, no line of a message is longer or other than it should be.</summary>
    [Fact]
    public void The_text_of_a_wrong_address_is_escaped_and_shortened()
    {
        EgressIP source = Given.Object("e", "") with { EgressIPs = ["\u001b[31m\n" + new string('x', 1000)] };
        string message = Assignment.Of(Given.Cluster(Given.ThreeNodes, source)).Object("e").Events.Single().Message;
        Assert.DoesNotContain('\n', message);
        Assert.InRange(message.Length, 1, 200);
    }

    [Fact]
    public void Another_machine_has_the_address() // A46
    {
        Node n2 = Given.N2 with { Conflicts = [new AddressConflict(Given.Address(".60"), "02:00:5e:10:00:01")] };
        ObjectAssignment made = Assignment.Of(Given.Cluster([Given.N1, n2], Given.Object("e", ".60 .61"))).Object("e");
        Assert.Equal(".61@n1", made.Items());
        Assert.Equal(UnassignedReason.EgressIPConflict, made.Unassigned.Single().Reason);
        Assert.Equal("it is an address of 02:00:5e:10:00:01 in a network of node n2", made.Unassigned.Single().Message);
    }

    /// <summary>Nobody would tell the end of the conflict.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void What_a_node_has_said_of_another_machine_counts_while_it_works(bool isReady, bool isReachable)
    {
        Node n2 = Given.N2 with { Ready = isReady, Conflicts = [new AddressConflict(Given.Address(".60"), "02:00:5e:10:00:01")] };
        Cluster cluster = Given.Cluster([Given.N1, n2], Given.Object("e", ".60"));
        cluster = isReachable ? cluster : cluster with { Reachable = cluster.Reachable.Remove("n2") };
        Assert.Equal(".60@n1", Assignment.Of(cluster).Object("e").Items());
    }

    /// <summary>What is told once need not be told again if only other nodes, or the node of another EgressIP, change.</summary>
    [Fact]
    public void The_subject_of_an_event_stays_when_circumstances_change()
    {
        EgressIP[] objects = [Given.Object("e", ".10"), Given.Object("f", ".10 .11 .13 .0")];
        ImmutableArray<Event> before = EventsOf([Given.N1, Given.N2.Unlabelled()], [.. objects]);
        ImmutableArray<Event> after = EventsOf([Given.N1.Unlabelled(), Given.N2, Given.N3.Unlabelled()], [.. objects]);
        Assert.NotEqual(before.Select(told => told.Message), after.Select(told => told.Message));
        Assert.Equal(
            ["UnsupportedRequest", "InvalidEgressIP", "UnassignedRequest"], before.Select(told => told.Reason.ToString()));
        Assert.Equal(before.Select(told => (told.Reason, told.Subject)), after.Select(told => (told.Reason, told.Subject)));

        ImmutableArray<Event> more = EventsOf([Given.N1, Given.N2, Given.N3], [.. objects]);
        Assert.DoesNotContain(more, told => told.Reason == EventReason.UnassignedRequest);

        static ImmutableArray<Event> EventsOf(ImmutableArray<Node> nodes, ImmutableArray<EgressIP> objects) =>
            Assignment.Of(Given.Cluster(nodes, objects)).Object("f").Events;
    }

    [Fact]
    public void Assigned_addresses_are_explained_if_that_is_asked_for()
    {
        Cluster cluster = Given.Cluster(
            [Given.N1, Given.N2, Given.N3.Unlabelled(), Given.N4], Given.Object("e", "10.10.10.100 .10", ".10@n2"));
        Assert.All(Assignment.Of(cluster).Object("e").Items, item => Assert.Empty(item.Refusals));
        ImmutableArray<AssignedAddress> items = Assignment.Of(cluster, explain: true).Object("e").Items;
        Assert.Equal(
            ["n2 already holds an address of this object", "n3 is not labelled k8s.ovn.org/egress-assignable",
                "n4 has no network for the address"],
            items[0].Refusals.Select(refusal => refusal.Message));
        Assert.Equal(
            ["n1 already holds an address of this object", "n3 is not labelled k8s.ovn.org/egress-assignable"],
            items[1].Refusals.Select(refusal => refusal.Message));
    }
}
