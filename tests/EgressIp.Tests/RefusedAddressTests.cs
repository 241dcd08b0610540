using System.Collections.Immutable;

namespace EgressIp.Tests;

/// <summary>Which addresses no node gets.</summary>
public class RefusedAddressTests
{
    [Theory]
    [InlineData("192.168.126.99/32", "not an IP address")]
    [InlineData("192.168.126.010", "not an IP address")]
    [InlineData("192.168.126", "not an IP address")]
    [InlineData("example.com", "not an IP address")]
    [InlineData("[fd00:126::100]", "not an IP address")]
    [InlineData(".0", "first address of 192.168.126.0/24")]
    [InlineData(".255", "last address of 192.168.126.0/24")]
    [InlineData("fd00:126::", "first address of fd00:126::/64")]
    [InlineData("fd00:126::ffff:ffff:ffff:ffff", "last address of fd00:126::/64")]
    [InlineData("0.0.0.0", "unspecified")]
    [InlineData("0.1.2.3", "0.0.0.0/8")]
    [InlineData("::", "unspecified")]
    [InlineData("127.0.0.1", "loopback")]
    [InlineData("::1", "loopback")]
    [InlineData("169.254.1.1", "link-local")]
    [InlineData("fe80::1", "link-local")]
    [InlineData("224.0.0.1", "multicast")]
    [InlineData("ff02::1", "multicast")]
    [InlineData("240.0.0.1", "reserved")]
    [InlineData("255.255.255.255", "broadcast")]
    [InlineData("::ffff:192.168.126.10", "IPv4-mapped")]
    public void An_address_that_no_host_has_is_refused_with_the_reason_and_the_others_are_placed(string address, string reason)
    {
        ImmutableArray<Node> nodes = [Given.Node("n0", "1.2.3.4/0", "1::1/0"), .. Given.ThreeNodes];
        ObjectAssignment made = Assignment.Of(Given.Cluster(nodes, Given.Object("e", $"{address} .10"))).Object("e");

        Assert.Equal(".10@n0", made.Items());
        UnassignedAddress refused = Assert.Single(made.Unassigned);
        Assert.Equal(UnassignedReason.InvalidEgressIP, refused.Reason);
        Event told = Assert.Single(made.Events);
        Assert.Equal((EventType.Warning, EventReason.InvalidEgressIP), (told.Type, told.Reason));
        Assert.All([refused.Message, told.Message, made.Conditions.Single().Message], text => Assert.Contains(reason, text));
        Assert.StartsWith(refused.EgressIP, told.Message);
        Assert.Equal(["AddressRefused"], refused.Nodes.Select(node => node.Reason.ToString()).Distinct());
    }

    [Fact]
    public void Ends_of_networks_of_two_addresses_are_hosts()
    {
        Node node = Given.Node("n1", "10.0.0.1/31", "fd00::1/127");
        Cluster cluster = Given.Cluster([node], Given.Object("e", "10.0.0.0"), Given.Object("f", "fd00::"));
        Assert.Equal("10.0.0.0@n1|fd00::@n1", $"{cluster.ItemsOf("e")}|{cluster.ItemsOf("f")}");
    }

    [Theory]
    [InlineData(".12", "address of node n1")]
    [InlineData("10.10.10.5", "address of node n1")]
    [InlineData("fd00:126::12", "address of node n1")]
    [InlineData("192.168.126.1", "gateway of node n4")]
    public void An_address_of_a_node_or_gateway_is_a_conflict_also_if_that_node_holds_none(string address, string reason)
    {
        Node other = Given.N4 with { Networks = [NodeNetwork.Of("eth0", "192.168.126.54/24", Given.Address(".1"))] };
        ImmutableArray<Node> nodes = [Given.N1.Unlabelled(), Given.N2, other.Unlabelled()];
        ObjectAssignment made = Assignment.Of(Given.Cluster(nodes, Given.Object("e", address))).Object("e");
        Assert.Equal("", made.Items());
        Assert.Equal("EgressIPConflict NoMatchingNodeFound", made.Reasons());
        Assert.All(made.Events, told => Assert.Contains(reason, told.Message));
        Assert.Equal(UnassignedReason.EgressIPConflict, made.Unassigned.Single().Reason);
    }

    [Fact]
    public void An_egress_address_that_a_node_holds_is_no_address_of_the_node()
    {
        Node restarted = Given.N1 with
        {
            Networks = [.. Given.N1.Networks, NodeNetwork.Of("eth0", "192.168.126.10/32")],
            Held = [Given.Address(".10")],
        };
        ObjectAssignment made = Assignment.Of(Given.Cluster([restarted, Given.N2], Given.Object("e", ".10", ".10@n1"))).Object("e");
        Assert.Equal((".10@n1", ""), (made.Items(), made.Reasons()));
    }

    [Fact]
    public void The_oldest_object_wins_an_address()
    {
        Assignment made = Assignment.Of(Given.Cluster(Given.ThreeNodes, Given.Object("f", ".10"), Given.Object("e", ".10")));
        Assert.Equal(".10@n1|", $"{made.Object("e").Items()}|{made.Object("f").Items()}");
        Event told = Assert.Single(made.Object("f").Events);
        Assert.Equal((EventReason.UnsupportedRequest, "192.168.126.10: EgressIP e has it on node n1"), (told.Reason, told.Message));
    }

    [Fact]
    public void Of_the_same_age_the_first_by_name_wins_an_address()
    {
        EgressIP e = Given.Object("e", ".10");
        Assert.Equal(".10@n1", Given.Cluster(Given.ThreeNodes, e with { Name = "f" }, e).ItemsOf("e"));
    }

    [Fact]
    public void When_the_winner_goes_the_other_gets_the_address() =>
        Assert.Equal(".10@n1", Given.Cluster(Given.ThreeNodes, Given.Object("f", ".10")).ItemsOf("f"));

    [Theory]
    [InlineData("", ".10@n1", "", ".10@n1")]
    [InlineData(".10@n2", ".10@n1", ".10@n2", "")]
    [InlineData("", ".10@gone", ".10@n1", "")]
    [InlineData(".10@gone", ".10@n2", "", ".10@n2")]
    public void Who_has_an_address_keeps_it_from_older_objects(string olderHas, string youngerHas, string older, string younger)
    {
        Assignment made = Assignment.Of(
            Given.Cluster(Given.ThreeNodes, Given.Object("e", ".10", olderHas), Given.Object("f", ".10", youngerHas)));
        Assert.Equal($"{older}|{younger}", $"{made.Object("e").Items()}|{made.Object("f").Items()}");
    }

    [Fact]
    public void Two_objects_or_nodes_of_one_name_are_an_error_of_the_caller()
    {
        Assert.Throws<ArgumentException>(() => Assignment.Of(Given.Cluster([], Given.Object("e", ""), Given.Object("e", ""))));
        Assert.Throws<ArgumentException>(() => Assignment.Of(Given.Cluster([Given.N1, Given.N1])));
    }
}
