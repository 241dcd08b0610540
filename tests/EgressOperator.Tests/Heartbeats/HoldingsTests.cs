using System.Net;
using EgressOperator.Heartbeats;

namespace EgressOperator.Tests.Heartbeats;

/// <summary>What nodes know of each other's addresses.</summary>
public class HoldingsTests
{
    private static readonly HeldAddress _one = new(IPAddress.Parse("192.0.2.1"));

    [Fact]
    public void All_learn_at_once_and_later_what_they_have_missed()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c");
        cluster.Run(1);
        cluster.Cut("egress-a", "pod-c");
        cluster.Hold("egress-a", _one);
        cluster.Run(VirtualCluster.Timing.Delay.TotalSeconds);
        Assert.Equal("egress-a", cluster["egress-b"].View.HolderOf(_one.Address)?.Node);
        cluster.Run(2);
        Assert.Null(cluster["pod-c"].View.HolderOf(_one.Address));

        cluster.Heal();
        cluster.Run(0.6);
        Assert.Equal("egress-a", cluster["pod-c"].View.HolderOf(_one.Address)?.Node);

        cluster.Hold("egress-a");
        cluster.Run(VirtualCluster.Timing.Delay.TotalSeconds);
        Assert.Null(cluster["egress-b"].View.HolderOf(_one.Address));
        Assert.Null(cluster["pod-c"].View.HolderOf(_one.Address));
    }

    /// <summary>Each loses half of the messages: the number of those that are sent again has a bound.</summary>
    [Fact]
    public void Many_parts_arrive_although_half_of_the_messages_is_lost()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c");
        HeldAddress[] many = [.. Enumerable.Range(0, 200).Select(i => new HeldAddress(new IPAddress([10, 0, 1, (byte)i])))];
        cluster.Run(1);
        cluster.Loss = 0.5;
        cluster.Hold("egress-a", many);
        int before = cluster.Messages;
        cluster.Run(10);
        Assert.Equal(many, cluster["pod-c"].View.HoldingsOf("egress-a"));
        Assert.Equal(many, cluster["egress-b"].View.HoldingsOf("egress-a"));
        Assert.InRange(cluster.Messages - before, 1, 1000);
    }

    [Fact]
    public void Holdings_are_not_sent_again_to_a_peer_before_it_can_have_answered()
    {
        HeartbeatTiming timing = HeartbeatTiming.Default;
        var table = new PeerTable("egress-a", 1, timing, TimeSpan.Zero);
        table.SetPeers([new PeerNode("pod-c", [IPAddress.Loopback], IsEgressNode: false, IsVoter: true)], TimeSpan.Zero);
        long sequence = 0;
        int SentAfterBeat(TimeSpan now, long version)
        {
            Assert.Null(table.Receive(IPAddress.Loopback, new Beat("pod-c", 1, ++sequence, [], new Heard(1, 0, version)), now));
            return table.TakeHoldings(now).Count;
        }

        table.SetHoldings([_one]);
        Assert.Single(table.TakeHoldings(TimeSpan.Zero));
        Assert.Equal(0, SentAfterBeat(timing.Fresh - TimeSpan.FromMilliseconds(1), 0));
        Assert.Equal(1, SentAfterBeat(timing.Fresh, 0));
        Assert.Equal(0, SentAfterBeat(2 * timing.Fresh, 1));
    }

    /// <summary>Addresses stay on the link while the agent does not run.</summary>
    [Fact]
    public void A_restart_keeps_what_is_known_until_the_new_process_tells()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c");
        cluster.Hold("egress-a", _one);
        cluster.Run(1);
        cluster.Start(cluster["egress-a"]);
        cluster.Run(1);
        Assert.Equal("egress-a", cluster["pod-c"].View.HolderOf(_one.Address)?.Node);
        cluster.Hold("egress-a");
        cluster.Run(1);
        Assert.Null(cluster["pod-c"].View.HolderOf(_one.Address));
    }

    [Fact]
    public void Who_starts_later_learns_too()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c");
        cluster.Hold("egress-a", _one);
        cluster.Run(1);
        cluster.Start(cluster["pod-c"]);
        cluster.Run(1);
        Assert.Equal("egress-a", cluster["pod-c"].View.HolderOf(_one.Address)?.Node);
    }

    [Fact]
    public void Who_has_taken_an_address_from_another_is_its_holder()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "egress-c", "pod-d");
        HeartbeatView View() => cluster["pod-d"].View;
        cluster.Hold("egress-a", _one);
        cluster.Hold("egress-b", _one with { From = "egress-a" });
        cluster.Run(0.5);
        Assert.Equal(new Holder("egress-b", "egress-a"), View().HolderOf(_one.Address));

        cluster.Hold("egress-c", _one with { From = "egress-b" });
        cluster.Run(0.5);
        Assert.Equal(new Holder("egress-c", "egress-b"), View().HolderOf(_one.Address));

        // Back to the first, while the last does not answer.
        cluster.Part("egress-c");
        cluster.Hold("egress-a", _one with { From = "egress-c" });
        cluster.Hold("egress-b");
        cluster.Run(1);
        Assert.Equal(new Holder("egress-a", "egress-c"), View().HolderOf(_one.Address));
        Assert.Null(View().HolderOf(IPAddress.Loopback));
    }

    [Theory]
    [InlineData("2:0/2 2:1/2", 2)]
    [InlineData("2:1/2 2:0/2", 2)]
    [InlineData("2:0/2", 0)]
    [InlineData("2:0/2 2:0/2", 0)]
    [InlineData("2:0/2 3:1/2", 0)]
    [InlineData("3:0/1 2:0/1", 3)]
    [InlineData("3:0/2 2:0/1 3:1/2", 3)]
    [InlineData("2:0/2 2:1/3 2:1/2", 0)]
    [InlineData("2:1/2 3:0/2 3:1/2 2:0/2", 3)]
    public void Parts_of_one_version_make_a_list(string parts, long version)
    {
        var holdings = new PeerHoldings();
        foreach (string part in parts.Split(' '))
        {
            int[] numbers = [.. part.Split(':', '/').Select(int.Parse)];
            holdings.Add(new HoldingsPart("a", 1, numbers[0], numbers[1], numbers[2], [_one]));
        }

        Assert.Equal(version, holdings.Version);
        Assert.Equal(version == 0, holdings.Addresses.IsEmpty);
    }
}
