using ApiServer;
using Kubernetes.Tests.Infrastructure;

namespace Kubernetes.Tests.Election;

/// <summary>A server that fails, for the leader or for all.</summary>
public sealed class ElectionFaultTests
{
    public static TheoryData<string> Faults => ["500", "silence", "cut", "cut after", "409"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_leader_that_cannot_renew_stops_by_its_deadline_and_before_the_next_begins(string fault)
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate first = await all.AddLeaderAsync("a");
        all.Add("b");
        all.Add("c");
        await all.RunAsync(10);
        double failing = all.Seconds;
        using FaultRule rule = Add(all, fault, Candidates.Of("a"), times: int.MaxValue);
        await all.UntilAsync(() => all.Leader is "b" or "c");
        Assert.InRange(all.Terms[0].End!.Value - failing, 3.8, 6.3);
        Assert.InRange(all.Terms[1].Begin - failing, 6, 11);
        Assert.False(first.Election.IsLeader);

        // It does not take the Lease back.
        rule.Dispose();
        await all.RunAsync(20);
        Assert.Equal(2, all.Terms.Length);
        Assert.Equal(all.Leader, first.Election.Holder);
    }

    [Fact]
    public async Task While_the_server_is_away_nobody_leads_and_then_one()
    {
        await using Candidates all = await Candidates.StartAsync("a", "b", "c");
        await all.UntilAsync(() => all.Leader is not null);
        await all.RunAsync(5);
        double away = all.Seconds;
        await all.Server.GoAway();
        await all.UntilAsync(() => all.Leader is null);
        Assert.InRange(all.Seconds - away, 3.8, 6.3);
        await all.RunAsync(20);
        Assert.Single(all.Terms);
        double back = all.Seconds;
        await all.Server.Return();
        await all.UntilAsync(() => all.Leader is not null);
        Assert.InRange(all.Seconds - back, 0, 11);
        await all.RunAsync(20);
        Assert.Equal(2, all.Terms.Length);
    }

    [Theory]
    [InlineData("500")]
    [InlineData("silence")]
    [InlineData("cut")]
    [InlineData("cut after")]
    [InlineData("409")]
    public async Task One_failure_does_not_lose_the_lead(string fault)
    {
        await using Candidates all = await Candidates.StartAsync();
        await all.AddLeaderAsync("a");
        all.Add("b");
        for (int time = 0; time < 3; time++)
        {
            FaultRule rule = Add(all, fault, time == 0 ? Candidates.Of("a") : Candidates.WritesOf("a"), times: 1);
            await all.UntilAsync(() => rule.Count == 1);
            await all.RunAsync(6.5);
        }

        Assert.Null(Assert.Single(all.Terms).End);
    }

    [Fact]
    public async Task A_slow_server_does_not_lose_the_lead()
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate quick = await all.AddLeaderAsync("a");
        await quick.End.CancelAsync();
        Candidate next = all.Add("b");
        next.Api.Slowness = stop => Task.Delay(TimeSpan.FromSeconds(1.4), all.Clock, stop);
        await all.UntilAsync(() => all.Leader == "b");
        await all.RunAsync(60);
        Assert.Null(all.Terms[1].End);
    }

    [Fact]
    public async Task A_first_write_whose_answer_is_lost_is_found_again()
    {
        await using Candidates all = await Candidates.StartAsync();
        all.Server.Add(Fault.CutAfter, Candidates.WritesOf("a"));
        await all.AddLeaderAsync("a");
        Assert.InRange(all.Seconds, 1.9, 3);
    }

    [Fact]
    public async Task A_renewal_that_the_server_does_late_does_not_make_two_leaders()
    {
        await using Candidates all = await Candidates.StartAsync();
        await all.AddLeaderAsync("a");
        all.Add("b");
        await all.RunAsync(5);
        // Each write of the leader is done, but it never knows.
        using (all.Server.Add(Fault.CutAfter, Candidates.WritesOf("a"), times: 4))
        {
            await all.UntilAsync(() => all.Leader is null);
            Assert.Equal("a", all.Spec["holderIdentity"]!.ToString());
            await all.UntilAsync(() => all.Leader is not null);
        }

        await all.RunAsync(20);
        Assert.NotNull(all.Leader);
    }

    [Fact]
    public async Task Work_that_is_slow_to_end_has_ended_when_the_next_begins()
    {
        await using Candidates all = await Candidates.StartAsync();
        await all.AddLeaderAsync("a", async stop =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Delay(TimeSpan.FromSeconds(1.8), all.Clock, CancellationToken.None);
        });
        all.Add("b");
        await all.RunAsync(5);
        using (all.Silence(Candidates.Of("a")))
        {
            await all.UntilAsync(() => all.Leader == "b");
        }
    }

    private static FaultRule Add(Candidates all, string fault, Func<ApiRequest, bool> when, int times) => fault switch
    {
        "silence" => all.Silence(when, times),
        "cut" => all.Server.Add(Fault.CutBefore, when, times),
        "cut after" => all.Server.Add(Fault.CutAfter, when, times),
        _ => all.Server.Add(Fault.Answer(int.Parse(fault, System.Globalization.CultureInfo.InvariantCulture)), when, times),
    };
}
