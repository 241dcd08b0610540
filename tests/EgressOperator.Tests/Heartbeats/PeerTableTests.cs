using System.Net;
using EgressOperator.Heartbeats;

namespace EgressOperator.Tests.Heartbeats;

/// <summary>One table, whose peers say what the test wants.</summary>
public class PeerTableTests
{
    /// <summary>Wherever between two beats the silence begins.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void A_node_that_goes_missing_is_told_at_once_and_then_twice_in_an_interval(int ticks)
    {
        HeartbeatTiming timing = HeartbeatTiming.Default;
        var table = new PeerTable("egress-a", 1, timing, TimeSpan.Zero);
        table.SetPeers([new PeerNode("egress-b", [IPAddress.Loopback], IsEgressNode: true, IsVoter: true)], TimeSpan.Zero);
        TimeSpan silence = timing.Welcome - (ticks * timing.Tick);
        TimeSpan lastHeard = TimeSpan.Zero;
        List<TimeSpan> calm = [];
        List<TimeSpan> missing = [];
        long sequence = 0;
        for (var now = TimeSpan.Zero; now < 2 * timing.Welcome; now = table.NextDeadline)
        {
            if (now <= silence)
            {
                Assert.Null(table.Receive(IPAddress.Loopback, new Beat("egress-b", 1, ++sequence, [], null), now));
                lastHeard = now;
            }

            table.Look(now);
            foreach (Beat beat in table.TakeBeats(now).Select(sent => (Beat)sent.Message))
            {
                (beat.Missing.Length > 0 ? missing : calm).Add(now);
            }
        }

        calm.RemoveAll(at => at < timing.Hold);
        Assert.All(calm.Zip(calm.Skip(1)), pair => Assert.Equal(timing.Interval, pair.Second - pair.First));
        Assert.InRange(missing[0], lastHeard + timing.MissingAfter, lastHeard + timing.MissingAfter + timing.Tick);
        Assert.All(missing.Zip(missing.Skip(1)), pair => Assert.Equal(timing.Hurry, pair.Second - pair.First));
    }

    /// <summary>Its process before may have said that the peer is missing: that may count until the hold is over.</summary>
    [Fact]
    public void A_new_process_acknowledges_nobody_until_the_hold_is_over()
    {
        var peer = new PeerNode("egress-b", [IPAddress.Loopback], IsEgressNode: true, IsVoter: true);
        HeartbeatTiming timing = HeartbeatTiming.Default;
        var table = new PeerTable("egress-a", 1, timing, TimeSpan.Zero);
        table.SetPeers([peer], TimeSpan.Zero);
        long Acknowledged(TimeSpan now)
        {
            Assert.Null(table.Receive(IPAddress.Loopback, new Beat("egress-b", 5, 100 + (long)now.TotalMilliseconds, [], null), now));
            table.Look(now);
            return ((Beat)table.TakeBeats(now).Single().Message).Heard!.Sequence;
        }

        Assert.Equal(0, Acknowledged(TimeSpan.Zero));
        Assert.Equal(0, Acknowledged(timing.Hold - TimeSpan.FromMilliseconds(1)));
        Assert.NotEqual(0, Acknowledged(timing.Hold + timing.Interval));
    }

    [Fact]
    public void The_word_of_a_voter_counts_anew_after_a_break()
    {
        HeartbeatTiming timing = HeartbeatTiming.Default;
        var peer = new Peer(new PeerNode("pod-c", [], IsEgressNode: false, IsVoter: true));
        long sequence = 0;
        TimeSpan Says(TimeSpan now)
        {
            Assert.True(peer.Accepts(new Beat("pod-c", 1, ++sequence, ["egress-a"], null), now, timing));
            return peer.Missing["egress-a"];
        }

        var first = TimeSpan.FromSeconds(10);
        Assert.Equal(first, Says(first));
        Assert.Equal(first, Says(first + timing.Fresh));
        TimeSpan later = first + (2 * timing.Fresh) + TimeSpan.FromMilliseconds(1);
        Assert.Equal(later, Says(later));
    }

    [Fact]
    public void Beats_out_of_order_from_strangers_and_from_other_addresses_are_dropped()
    {
        var peer = new PeerNode("egress-b", [IPAddress.Parse("192.0.2.2")], IsEgressNode: true, IsVoter: true);
        var table = new PeerTable("egress-a", 1, HeartbeatTiming.Default, TimeSpan.Zero);
        table.SetPeers([peer], TimeSpan.Zero);
        DropReason? Receive(string from, string node, long incarnation, long sequence) =>
            table.Receive(IPAddress.Parse(from), new Beat(node, incarnation, sequence, [], null), TimeSpan.FromSeconds(1));

        Assert.Null(Receive("192.0.2.2", "egress-b", 5, 100));
        Assert.Equal(DropReason.OldSequence, Receive("192.0.2.2", "egress-b", 5, 100));
        Assert.Equal(DropReason.OldIncarnation, Receive("192.0.2.2", "egress-b", 4, 200));
        Assert.Equal(DropReason.WrongSource, Receive("192.0.2.3", "egress-b", 5, 200));
        Assert.Equal(DropReason.UnknownSender, Receive("192.0.2.2", "egress-c", 5, 200));
        Assert.Equal(DropReason.UnknownSender, Receive("192.0.2.2", "egress-a", 5, 200));
        Assert.Null(Receive("192.0.2.2", "egress-b", 6, 1));
    }
}
