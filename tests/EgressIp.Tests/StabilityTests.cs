using System.Collections.Immutable;

namespace EgressIp.Tests;

/// <summary>What moves, and what does not.</summary>
public class StabilityTests
{
    [Fact]
    public void A_new_node_gets_only_what_has_no_node()
    {
        ObjectAssignment made = Assignment.Of(Given.Cluster(Given.ThreeNodes, Given.Object("e", ".102 .10", ".10@n1"))).Object("e");
        Assert.Equal(".102@n2 .10@n1", made.Items());
        Assert.Empty(made.Events);
        Assert.Empty(made.Moves);
    }

    [Fact]
    public void A_new_node_gets_the_next_address_and_no_other()
    {
        ImmutableArray<Node> nodes = [.. Given.ThreeNodes, Given.N4];
        ImmutableArray<EgressIP> ten = Given.Holding(("n1", 4), ("n2", 3), ("n3", 3));
        Assert.Equal("4/3/3/0", Assignment.Of(Given.Cluster(nodes, ten)).Counts(nodes));
        Assert.Equal(".10@n4", Given.Cluster(nodes, [.. ten, Given.Object("z", ".10")]).ItemsOf("z"));
    }

    public static TheoryData<string, string> Losses => new()
    {
        { "label", "n1 is not labelled k8s.ovn.org/egress-assignable" },
        { "ready", "n1 is not ready" },
        { "reachable", "n1 is not reachable" },
        { "deleted", "the node does not exist" },
        { "network", "n1 has no network for the address" },
    };

    [Theory]
    [MemberData(nameof(Losses))]
    public void An_address_leaves_a_node_that_may_no_longer_hold_it(string lost, string why)
    {
        Node n1 = lost switch
        {
            "label" => Given.N1.Unlabelled(),
            "ready" => Given.N1 with { Ready = false },
            "network" => Given.N1 with { Networks = Given.N1.Networks.RemoveAt(2) },
            _ => Given.N1,
        };
        Cluster cluster = Given.Cluster(
            lost == "deleted" ? [Given.N2] : [n1, Given.N2], Given.Object("e", "10.10.10.100", "10.10.10.100@n1"));
        ObjectAssignment made = Assignment.Of(lost == "reachable" ? cluster with { Reachable = ["n2"] } : cluster).Object("e");
        Assert.Equal("10.10.10.100@n2", made.Items());
        Assert.Equal<Move>([new Move("10.10.10.100", "n1", "n2")], made.Moves);
        Assert.Equal<Event>([new Event(EventType.Normal, EventReason.Reassigned, $"10.10.10.100 moves from n1 to n2: {why}")], made.Events);
    }

    [Fact]
    public void Readiness_of_an_unlabelled_node_is_irrelevant() => Assert.Equal(
        NodeReason.NotLabelled,
        Assignment.Of(Given.Cluster([Given.N1.Unlabelled() with { Ready = false }], Given.Object("e", ".10"))).Object("e")
            .Unassigned.Single().Nodes.Single().Reason);

    [Fact]
    public void A_changed_address_is_placed_anew()
    {
        ObjectAssignment made = Assignment.Of(Given.Cluster(Given.ThreeNodes, Given.Object("e", ".20", ".10@n1"))).Object("e");
        Assert.Equal(".20@n1", made.Items());
        Assert.Empty(made.Moves);
    }

    [Fact]
    public void Of_two_addresses_on_one_node_the_first_of_the_spec_stays()
    {
        ObjectAssignment made = Assignment.Of(Given.Cluster(Given.ThreeNodes, Given.Object("e", ".10 .11", ".11@n1 .10@n1"))).Object("e");
        Assert.Equal(".10@n1 .11@n2", made.Items());
        Assert.Equal<Move>([new Move("192.168.126.11", "n1", "n2")], made.Moves);
    }

    [Fact]
    public void Of_two_nodes_with_one_address_the_first_by_name_keeps_it()
    {
        ObjectAssignment made = Assignment.Of(Given.Cluster(Given.ThreeNodes, Given.Object("e", ".10", ".10@n3 .10@n2"))).Object("e");
        Assert.Equal(".10@n2", made.Items());
        Assert.Empty(made.Moves);
    }

    [Fact]
    public void The_text_of_a_status_item_may_be_another_form_of_the_address() => Assert.Equal(
        "fd00:126::100@n2",
        Given.Cluster(Given.ThreeNodes, Given.Object("e", "fd00:126::100", "FD00:126:0::100@n2")).ItemsOf("e"));

    [Fact]
    public void A_smaller_capacity_takes_nothing_away()
    {
        Node full = Given.N1 with { Capacity = new Capacity(1, 1, 1) };
        Cluster cluster = Given.Cluster([full, Given.N2], [.. Given.Holding(("n1", 2)), Given.Object("e", ".10")]);
        Assert.Equal("2/1", Assignment.Of(cluster).Counts(cluster.Nodes));
        Assert.Empty(Assignment.Of(cluster).Objects.SelectMany(made => made.Moves));
    }

    [Fact]
    public void New_addresses_do_not_displace_old_ones()
    {
        Node both = Given.Node("n1", "192.168.126.12/24", "10.10.10.5/24");
        Cluster cluster = Given.Cluster([both, Given.Node("n2", "192.168.126.51/24")], Given.Object("e", ".10 10.10.10.100", ".10@n1"));
        Assert.Equal(".10@n1", cluster.ItemsOf("e"));
    }
}
