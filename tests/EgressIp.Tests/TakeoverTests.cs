namespace EgressIp.Tests;

/// <summary>Addresses that a node has taken over, because the one in the status did not answer.</summary>
public class TakeoverTests
{
    [Fact]
    public void The_node_that_has_taken_an_address_keeps_it_even_when_the_other_is_back()
    {
        ObjectAssignment made = Assignment.Of(Given.Cluster([Given.N1, Taking(Given.N3, "n1")],
            Given.Object("e", ".10", ".10@n1"))).Object("e");
        Assert.Equal(".10@n3", made.Items());
        Assert.Equal<Move>([new Move("192.168.126.10", "n1", "n3")], made.Moves);
        Assert.Equal("192.168.126.10 moves from n1 to n3: n1 did not answer, and n3 has taken it over", made.Events.Single().Message);
    }

    [Fact]
    public void Two_that_have_taken_it_are_one_by_name() => Assert.Equal(
        ".10@n2",
        Given.Cluster([Given.N1, Taking(Given.N3, "n1"), Taking(Given.N2, "n1")], Given.Object("e", ".10", ".10@n1")).ItemsOf("e"));

    [Fact]
    public void What_was_taken_from_another_node_than_the_status_names_does_not_count() => Assert.Equal(
        ".10@n1", Given.Cluster([Given.N1, Taking(Given.N2, "n3")], Given.Object("e", ".10", ".10@n1")).ItemsOf("e"));

    [Fact]
    public void A_node_that_may_not_hold_addresses_keeps_none() => Assert.Equal(
        ".10@n1", Given.Cluster([Given.N1, Taking(Given.N2, "n1").Unlabelled()], Given.Object("e", ".10", ".10@n1")).ItemsOf("e"));

    private static Node Taking(Node node, string from) => node with { Taken = [new Takeover(Given.Address(".10"), from)] };
}
