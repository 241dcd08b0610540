using System.Collections.Immutable;

namespace EgressIp.Tests;

public class RebalanceTests
{
    [Fact]
    public void A_new_node_takes_as_few_as_needed()
    {
        ImmutableArray<Node> nodes = [.. Given.ThreeNodes, Given.N4];
        Assignment made = Assignment.Of(Given.Cluster(nodes, Given.Holding(("n1", 4), ("n2", 3), ("n3", 3))), rebalance: true);
        Assert.Equal("332", string.Concat(made.Counts(nodes).Split('/').Take(3).OrderDescending()));
        Assert.Equal("2", made.Counts(nodes).Split('/')[3]);
        Move[] moves = [.. made.Objects.SelectMany(source => source.Moves)];
        Assert.Equal(2, moves.Length);
        Assert.Equal(["n4"], moves.Select(move => move.To).Distinct());
        Event[] events = [.. made.Objects.SelectMany(source => source.Events)];
        Assert.Equal(2, events.Length);
        Assert.All(events, told => Assert.Equal((EventType.Normal, EventReason.Reassigned), (told.Type, told.Reason)));
        Assert.All(events, told => Assert.EndsWith("to n4: rebalance", told.Message));
    }

    [Fact]
    public void Balanced_nodes_keep_what_they_have()
    {
        Cluster cluster = Given.Cluster(Given.ThreeNodes, Given.Holding(("n1", 2), ("n2", 1), ("n3", 2)));
        Assert.Empty(Assignment.Of(cluster, rebalance: true).Objects.SelectMany(source => source.Moves));
    }

    [Fact]
    public void An_assigned_address_makes_room_for_one_that_fits_nowhere_else()
    {
        Node both = Given.Node("n1", "192.168.126.12/24", "10.10.10.5/24");
        Cluster cluster = Given.Cluster([both, Given.Node("n2", "192.168.126.51/24")], Given.Object("e", ".10 10.10.10.100", ".10@n1"));
        Assert.Equal(".10@n2 10.10.10.100@n1", Assignment.Of(cluster, rebalance: true).Object("e").Items());
    }

    [Fact]
    public void Two_of_one_object_do_not_meet()
    {
        ImmutableArray<Node> nodes = [Given.N1, Given.N2];
        Cluster cluster = Given.Cluster(
            nodes,
            Given.Object("e", ".10 .11", ".10@n1 .11@n2"),
            Given.Object("f", ".20", ".20@n1"),
            Given.Object("g", ".30", ".30@n1"));
        Assignment made = Assignment.Of(cluster, rebalance: true);
        Assert.Equal("2/2", made.Counts(nodes));
        Assert.Equal(".10@n1 .11@n2", made.Object("e").Items());
    }
}
