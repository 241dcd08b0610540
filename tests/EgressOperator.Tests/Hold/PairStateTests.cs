using EgressOperator.Hold;

namespace EgressOperator.Tests.Hold;

/// <summary>Each answer of the state, one tick before and at the moment at which it changes. The Lease lasts a second.</summary>
public class PairStateTests
{
    private static readonly TimeSpan _tick = TimeSpan.FromTicks(1);

    private static readonly TimeSpan _respect = PairTiming.RespectOf(1);

    private static readonly PairState _new = new(PairTiming.Of(TimeSpan.FromSeconds(1)), "own", GivenUntil: At(0));

    /// <summary>It renewed the Lease at 10 s.</summary>
    private static readonly PairState _renewed = _new.Saw("1", "own", _respect, At(9)).Renewed(At(10), "2", At(10.1));

    private static readonly PairState _holding = _renewed.Took();

    /// <summary>The Lease is another's, and was first seen as it is at 10 s.</summary>
    private static readonly PairState _standby = StandbyOf(_respect);

    /// <summary>The link fails, and the peer said at 10 s that it can serve.</summary>
    private static readonly Func<PairState, PairState> _unfit =
        state => state.Heard(isAble: true, At(9), At(9)).Reaches(isHealthy: false, At(9.6)).Heard(isAble: true, At(9.9), At(10));

    /// <summary>The other pod waits until the kernel has to have removed the addresses; and authority ends before that.</summary>
    [Fact]
    public void The_times_fit_each_other_with_each_duration()
    {
        foreach (int seconds in Enumerable.Range(1, 10))
        {
            PairTiming timing = PairTiming.Of(TimeSpan.FromSeconds(seconds));
            Assert.True(timing.Late + timing.Lifetime <= timing.Respect, $"{seconds}");
            Assert.True(timing.Serve <= timing.Lifetime, $"{seconds}");
            Assert.True(timing.Ask + timing.Beat + timing.Beat < timing.Serve, $"{seconds}");
            // A renewal that fails may be tried again, and that one may fail too.
            Assert.True(timing.Renew + timing.Late + timing.Late < timing.Serve, $"{seconds}");
            Assert.True(timing.Renew < timing.Ask && timing.Look < timing.Respect / 5, $"{seconds}");
            Assert.Equal(0, timing.Lifetime.TotalSeconds % 1);
        }
    }

    /// <summary>The kernel of this pod refuses the addresses: the other pod has them, if it can.</summary>
    [Fact]
    public void It_hands_over_what_its_kernel_refuses()
    {
        PairState refused = _holding with { IsRefused = true };
        Assert.True(refused.MayHold(At(10.1)));
        AssertTurns(refused.Heard(isAble: true, At(9.9), At(10)).MayHold, true, 10.5);
        Assert.False(refused.Heard(isAble: false, At(9.9), At(10)).IsUnfit(At(10.1)));
        Assert.True(refused.Heard(isAble: true, At(9.9), At(10)).LetGo().WantsRelease(At(10.1)));
        Assert.False((_standby with { IsRefused = true }).IsAble);
    }

    [Fact]
    public void It_takes_with_the_Lease_and_after_its_promise()
    {
        AssertTurns(_renewed.MayTake, false, 10.8);
        AssertTurns((_renewed with { GivenUntil = At(10.5) }).MayTake, true, 10.5);
        Assert.False(_holding.MayTake(At(10.1)));
        Assert.False(_standby.MayTake(At(30)));
        Assert.False((_renewed with { IsStopping = true }).MayTake(At(10.1)));
        AssertTurns(_unfit(_renewed).MayTake, true, 10.5);
        Assert.False(_renewed.Releasing().MayTake(At(10.1)));
        Assert.False(_renewed.Saw("3", "other", _respect, At(10.1)).MayTake(At(10.1)));
    }

    [Fact]
    public void It_holds_by_the_newer_of_Lease_and_promise()
    {
        AssertTurns(_holding.MayHold, false, 10.8);
        AssertTurns(_holding.Promised(At(10.5), At(10.6)).MayHold, false, 11.3);
        AssertTurns(_holding.Promised(At(9.9), At(10.1)).MayHold, false, 10.8);
        Assert.False(_renewed.MayHold(At(10.1)));
        Assert.False((_holding with { IsStopping = true }).MayHold(At(10.1)));
        Assert.False(_unfit(_holding).MayHold(At(10.1)));
        Assert.False(_holding.Promised(At(10.5), At(10.6)).LetGo().Took().MayHold(At(10.9)));
    }

    [Fact]
    public void It_adds_only_while_authority_is_new()
    {
        AssertTurns(_holding.MayAdd, false, At(10.2) + _tick);
        AssertTurns(_holding.Promised(At(10.5), At(10.6)).MayAdd, false, At(10.7) + _tick);
        Assert.False(_renewed.MayAdd(At(10.1)));
        Assert.False((_holding with { IsStopping = true }).MayAdd(At(10.1)));
    }

    [Fact]
    public void A_late_answer_gives_no_authority()
    {
        PairState before = _new.Saw("1", "own", _respect, At(9)).Took();
        Assert.Equal(At(10), before.Renewed(At(10), "2", At(10.2)).RenewedFrom);
        Assert.Null(before.Renewed(At(10), "2", At(10.2) + _tick).RenewedFrom);
        Assert.Equal(At(10), before.Promised(At(10), At(10.2)).PromisedFrom);
        Assert.Null(before.Promised(At(10), At(10.2) + _tick).PromisedFrom);
        Assert.Null(_renewed.Promised(At(10), At(10.1)).PromisedFrom);
        Assert.Equal(At(11), before.Promised(At(11), At(11.1)).Promised(At(10.95), At(11.1)).PromisedFrom);
    }

    [Fact]
    public void It_promises_while_the_API_server_is_away_and_for_the_grace_afterwards()
    {
        Assert.False(_standby.MayPromise(serverAnswersPeer: false, At(11)));
        PairState away = _standby.Failed(isRead: true, At(11));
        Assert.True(away.MayPromise(serverAnswersPeer: false, At(11)));
        Assert.False((away with { IsHolding = true }).MayPromise(serverAnswersPeer: false, At(11)));
        AssertTurns(now => away.Answered(At(11.8)).MayPromise(serverAnswersPeer: false, now), false, 14.8);
        Assert.False(away.Answered(At(11.8) - _tick).MayPromise(serverAnswersPeer: false, At(11.8)));
        Assert.Equal(At(12.25), away.Asked(_respect, At(11)).GivenUntil);
        Assert.Equal(At(12.35), away.Asked(_respect, At(11.1)).Asked(_respect, At(11)).GivenUntil);
        // A peer with a longer Lease relies on it for longer.
        Assert.Equal(At(16.25), away.Asked(PairTiming.RespectOf(5), At(11)).GivenUntil);
    }

    /// <summary>Then the API server lets nobody renew. But a pod that has the Lease itself is about to take the addresses.</summary>
    [Fact]
    public void It_promises_to_a_peer_that_the_API_server_answers()
    {
        Assert.True(_standby.MayPromise(serverAnswersPeer: true, At(11)));
        Assert.False(_renewed.MayPromise(serverAnswersPeer: true, At(11)));
        Assert.False((_standby with { IsHolding = true }).MayPromise(serverAnswersPeer: true, At(11)));
    }

    [Fact]
    public void It_says_that_the_API_server_answers_but_does_not_renew()
    {
        Assert.False(_holding.ServerAnswers);
        // Cut off: nothing is answered.
        Assert.False(_holding.Failed(isRead: false, At(10.4)).Failed(isRead: true, At(10.6)).ServerAnswers);
        PairState refused = _holding.Failed(isRead: false, At(10.4)).Saw("2", "own", _respect, At(10.45));
        Assert.True(refused.ServerAnswers);
        Assert.True(refused.Failed(isRead: false, At(10.6)).ServerAnswers);
        Assert.False(refused.Failed(isRead: false, At(10.6)).Failed(isRead: true, At(10.8)).ServerAnswers);
        Assert.False(refused.Renewed(At(10.5), "3", At(10.6)).ServerAnswers);
        Assert.True(refused.Renewed(At(10.5), "3", At(10.7) + _tick).ServerAnswers);
    }

    /// <summary>As the Lease of its holder says, even if this pod's own would be shorter.</summary>
    [Fact]
    public void It_respects_a_Lease_as_long_as_its_holder_relies_on_it()
    {
        AssertTurns(StandbyOf(PairTiming.RespectOf(5)).WantsLease, true, 15.25);
        AssertTurns(StandbyOf(PairTiming.RespectOf(0)).WantsLease, true, 11.25);
        AssertTurns(StandbyOf(PairTiming.RespectOf(3600)).WantsLease, true, 20.25);
        // Nobody knows of a Lease that is gone.
        AssertTurns(StandbyOf(PairTiming.RespectOf(5)).Saw(null, null, _respect, At(10.2)).WantsLease, true, 15.45);
    }

    [Fact]
    public void It_wants_the_Lease_when_it_is_free_or_not_renewed()
    {
        Assert.False(_new.WantsLease(At(30)));
        AssertTurns(_standby.WantsLease, true, 11.25);
        Assert.True(_standby.Saw("3", null, _respect, At(10.2)).WantsLease(At(10.2)));
        // Who was in a Lease that was deleted may not know yet.
        AssertTurns(_standby.Saw(null, null, _respect, At(10.2)).WantsLease, true, 11.45);
        AssertTurns((_standby with { GivenUntil = At(12) }).WantsLease, true, 12);
        AssertTurns((_standby.Saw("3", null, _respect, At(10.2)) with { GivenUntil = At(12) }).WantsLease, true, 12);
        Assert.True((_renewed with { GivenUntil = At(12) }).WantsLease(At(10.1)));
        Assert.False((_renewed with { IsStopping = true }).WantsLease(At(10.1)));
        AssertTurns(_unfit(_renewed).WantsLease, true, 10.5);
    }

    [Fact]
    public void It_gives_the_Lease_up_after_it_has_let_go()
    {
        PairState stopping = _holding with { IsStopping = true };
        Assert.False(stopping.WantsRelease(At(10.1)));
        Assert.True(stopping.LetGo().WantsRelease(At(10.1)));
        Assert.False(stopping.LetGo().Released("3", At(10.2)).WantsRelease(At(10.2)));
        Assert.False(_renewed.WantsRelease(At(10.1)));
        Assert.False((_standby with { IsStopping = true }).WantsRelease(At(10.1)));
        AssertTurns(_unfit(_renewed).WantsRelease, false, 10.5);
    }

    [Fact]
    public void It_is_unfit_only_if_its_peer_can_serve()
    {
        Assert.False(_new.IsUnfit(At(10)));
        Assert.True((_new with { IsStopping = true }).IsUnfit(At(10)));
        Assert.False(_new.Reaches(isHealthy: false, At(9.6)).IsUnfit(At(10)));
        Assert.False(_new.Reaches(isHealthy: false, At(9.6)).Heard(isAble: false, At(9.9), At(10)).IsUnfit(At(10)));
        Assert.False(_unfit(_new).Heard(isAble: false, At(10), At(10.1)).IsUnfit(At(10.1)));
        Assert.False(_new.Heard(isAble: true, At(9.9), At(10)).IsUnfit(At(10)));
        // Both may have lost the network at 9.6 s: the peer had time to notice until 9.9 s.
        Assert.False(_new.Reaches(isHealthy: false, At(9.6)).Heard(isAble: true, At(9.9) - _tick, At(10)).IsUnfit(At(10)));
        Assert.False(_unfit(_new).Reaches(isHealthy: true, At(10)).IsUnfit(At(10)));
        // The network is back for both, and the peer has noticed first, at 20 s.
        PairState back = _new.Reaches(isHealthy: false, At(9.6)).Heard(isAble: false, At(19), At(19)).Heard(isAble: true, At(20), At(20));
        Assert.False(back.Heard(isAble: true, At(20.3) - _tick, At(20.3)).IsUnfit(At(20.3)));
        Assert.True(back.Heard(isAble: true, At(20.3), At(20.4)).IsUnfit(At(20.4)));
        Assert.True(_unfit(_new).Reaches(isHealthy: false, At(10)).IsUnfit(At(10)));
        AssertTurns(_unfit(_new).IsUnfit, false, 10.5);
    }

    /// <summary>It asks the neighbors, and takes nothing.</summary>
    [Fact]
    public void It_prepares_when_its_peer_has_let_go()
    {
        PairState prepares = _standby.PeerLetGo(At(10));
        AssertTurns(prepares.Prepares, false, 10.5);
        Assert.False(_standby.Prepares(At(10)));
        Assert.False((prepares with { IsStopping = true }).Prepares(At(10)));
        Assert.False(_unfit(prepares).Prepares(At(10)));
        Assert.False(prepares.MayTake(At(10)) || prepares.MayAdd(At(10)) || prepares.WantsLease(At(10)));
    }

    [Fact]
    public void It_asks_for_a_promise_when_its_renewal_is_old()
    {
        AssertTurns(_holding.Asks, true, 10.3);
        Assert.False(_renewed.Asks(At(11)));
        Assert.True(_holding.Releasing().Asks(At(10)));
    }

    [Fact]
    public void It_is_woken_at_each_change()
    {
        Assert.Equal(At(10.8), _holding.NextChange(At(10.1)));
        Assert.Equal(At(11.25), _standby.NextChange(At(10.1)));
        Assert.Equal(At(10.5), _standby.PeerLetGo(At(10)).NextChange(At(10.1)));
        Assert.Equal(At(10.5), _unfit(_standby).NextChange(At(10.1)));
        Assert.Equal(At(11.3), _holding.Promised(At(10.5), At(10.6)).NextChange(At(10.9)));
        Assert.Equal(TimeSpan.MaxValue, _standby.NextChange(At(20)));
    }

    /// <param name="respect">How long the Lease is to be respected.</param>
    private static PairState StandbyOf(TimeSpan respect) =>
        _new.Saw("1", "other", respect, At(9)).Saw("2", "other", respect, At(10)).Saw("2", "other", respect, At(10.1));

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static void AssertTurns(Func<TimeSpan, bool> answer, bool to, double at) => AssertTurns(answer, to, At(at));

    private static void AssertTurns(Func<TimeSpan, bool> answer, bool to, TimeSpan at)
    {
        Assert.Equal(!to, answer(at - _tick));
        Assert.Equal(to, answer(at));
    }
}
