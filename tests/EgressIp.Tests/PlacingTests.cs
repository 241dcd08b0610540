using System.Collections.Immutable;

namespace EgressIp.Tests;

/// <summary>Which node gets an address.</summary>
public class PlacingTests
{
    [Theory]
    [InlineData("An address goes to a node of its network, the first by name", ".10", ".10@n1")]
    [InlineData("Two addresses of an object go to two nodes", ".10 .102", ".10@n1 .102@n2")]
    [InlineData("As many as there are nodes", ".10 .11 .12 .13", ".10@n1 .11@n2 .13@n3")]
    [InlineData("A further link holds addresses of its network", "10.10.10.100", "10.10.10.100@n1")]
    [InlineData("IPv6", "fd00:126::100", "fd00:126::100@n1")]
    [InlineData("Never two of one object on a node, whatever their family", ".10 fd00:126::100", ".10@n1 fd00:126::100@n2")]
    [InlineData("Items are in the order of the spec", ".20 .10", ".20@n1 .10@n2")]
    [InlineData("Canonical text, duplicates once", "FD00:126:0::100 fd00:126::0100", "fd00:126::100@n1")]
    [InlineData("A wrong address does not stop the good one", ".10 .10 192.168.126.010", ".10@n1")]
    [InlineData("No network holds it", "198.51.100.7", "")]
    public void Addresses_of_one_object(string rule, string addresses, string items)
    {
        Assert.NotEmpty(rule);
        Assert.Equal(items, Given.Cluster(Given.ThreeNodes, Given.Object("e", addresses)).ItemsOf("e"));
    }

    [Theory]
    [InlineData(2, 1, 0, "n3")]
    [InlineData(1, 0, 1, "n2")]
    [InlineData(1, 1, 1, "n1")]
    [InlineData(1, 1, 2, "n1")]
    public void The_node_that_holds_the_fewest_gets_the_address_then_the_first_by_name(int n1, int n2, int n3, string node)
    {
        Cluster cluster = Given.Cluster(
            Given.ThreeNodes, [.. Given.Holding(("n1", n1), ("n2", n2), ("n3", n3)), Given.Object("e", ".10")]);
        Assert.Equal($".10@{node}", cluster.ItemsOf("e"));
    }

    [Fact]
    public void The_same_node_wins_a_tie_each_time()
    {
        Cluster cluster = Given.Cluster(
            [Given.N1, Given.N2, Given.N3.Unlabelled()], [.. Given.Holding(("n1", 1), ("n2", 1)), Given.Object("e", ".10")]);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(".10@n1", cluster.ItemsOf("e")));
    }

    [Fact]
    public void Ten_addresses_are_spread_over_three_nodes()
    {
        ImmutableArray<EgressIP> ten = [.. Enumerable.Range(0, 10).Select(index => Given.Object($"e{index}", $".{100 + index}"))];
        Assert.Equal("4/3/3", Assignment.Of(Given.Cluster(Given.ThreeNodes, ten)).Counts(Given.ThreeNodes));
    }

    [Fact]
    public void An_address_makes_room_for_another_that_fits_nowhere_else()
    {
        Node both = Given.Node("n1", "192.168.126.12/24", "10.10.10.5/24");
        Node one = Given.Node("n2", "192.168.126.51/24");
        Assert.Equal(".10@n2 10.10.10.100@n1", Given.Cluster([both, one], Given.Object("e", ".10 10.10.10.100")).ItemsOf("e"));
    }

    [Fact]
    public void An_address_of_another_object_makes_room_on_a_node_whose_capacity_is_used_up()
    {
        Node both = Given.Node("n1", "192.168.126.12/24", "10.10.10.5/24") with { Capacity = new Capacity(1, null, null) };
        Node one = Given.Node("n2", "192.168.126.51/24");
        Cluster cluster = Given.Cluster([both, one], Given.Object("e", ".10"), Given.Object("f", "10.10.10.100"));
        Assert.Equal(".10@n2", cluster.ItemsOf("e"));
        Assert.Equal("10.10.10.100@n1", cluster.ItemsOf("f"));
    }

    /// <summary>With the families' capacities apart this is no flow: every chain of exchanges ends in two on one node.</summary>
    [Fact]
    public void With_capacities_by_family_all_placements_are_tried()
    {
        var one = new Capacity(null, 1, 1);
        ImmutableArray<Node> nodes = [Given.N1 with { Capacity = one }, Given.N2 with { Capacity = one }];
        Cluster cluster = Given.Cluster(
            nodes, Given.Object("e", ".10"), Given.Object("f", "fd00:126::100 .20"), Given.Object("g", "fd00:126::101"));
        Assert.Equal("2/2", Assignment.Of(cluster).Counts(nodes));
    }

    [Fact]
    public void The_longest_prefix_of_a_node_says_which_link_holds_the_address()
    {
        Node node = Given.Node("n1", "192.168.126.12/24", "7.7.1.1/16", "7.7.7.1/24");
        AssignedAddress item = Assert.Single(Assignment.Of(Given.Cluster([node], Given.Object("e", "7.7.7.7"))).Object("e").Items);
        Assert.Equal(("n1", "eth2", "7.7.7.0/24"), (item.Node, item.Link, item.Network.ToString()));
    }

    [Fact]
    public void Only_the_presence_of_the_label_counts()
    {
        Node node = Given.N1 with { Labels = Given.NoLabels.Add(Node.AssignableLabel, "false") };
        Assert.Equal(".10@n1", Given.Cluster([node], Given.Object("e", ".10")).ItemsOf("e"));
    }

    [Theory]
    [InlineData(1, null, null, "")]
    [InlineData(null, 1, null, "")]
    [InlineData(null, 1, 0, "")]
    [InlineData(null, 2, 0, ".10@n1")]
    [InlineData(2, null, 0, ".10@n1")]
    [InlineData(0, null, null, "")]
    public void Capacity_is_in_total_and_by_family(int? total, int? ipv4, int? ipv6, string items)
    {
        Node node = Given.N1 with { Capacity = new Capacity(total, ipv4, ipv6) };
        Assert.Equal(items, Given.Cluster([node], [.. Given.Holding(("n1", 1)), Given.Object("e", ".10")]).ItemsOf("e"));
    }

    [Fact]
    public void IPv6_addresses_take_no_capacity_of_IPv4()
    {
        Node node = Given.N1 with { Capacity = new Capacity(null, 1, 1) };
        Cluster cluster = Given.Cluster(
            [node], Given.Object("e", "fd00:126::1"), Given.Object("f", ".10"), Given.Object("g", "fd00:126::2"));
        Assert.Equal("fd00:126::1@n1|.10@n1|", string.Join('|', "efg".Select(name => cluster.ItemsOf($"{name}"))));
    }
}
