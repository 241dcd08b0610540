using ApiServer;
using Kubernetes.Tests.Infrastructure;

namespace Kubernetes.Tests.Election;

public sealed class ElectionTests
{
    [Fact]
    public async Task One_of_three_leads_and_the_others_know_whom()
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate[] three = [all.Add("a"), all.Add("b"), all.Add("c")];
        await all.RunAsync(60);
        Term term = Assert.Single(all.Terms);
        Assert.Null(term.End);
        Assert.InRange(term.Begin, 0, 3);
        Assert.Equal([term.Name], three.Where(one => one.Election.IsLeader).Select(one => one.Name));
        Assert.All(three, one => Assert.Equal(term.Name, one.Election.Holder));
        // Each asks every two seconds, and the leader writes too.
        Assert.InRange(all.Server.Requests.Count, 60, 130);
        Assert.All(three, one => Assert.Empty(one.Lines.Warnings));
    }

    [Fact]
    public async Task A_leader_that_ends_gives_the_Lease_up_and_the_next_leads_within_about_two_seconds()
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate first = await all.AddLeaderAsync("a");
        all.Add("b");
        await all.RunAsync(5);
        await first.End.CancelAsync();
        await all.UntilAsync(() => all.Leader == "b");
        Assert.InRange(all.Terms[1].Begin - all.Terms[0].End!.Value, 0, 2.7);
        Assert.True(first.Run.IsCanceled);
        Assert.False(first.Election.IsLeader);
        Assert.Empty(first.Lines.Warnings);
    }

    [Fact]
    public async Task A_Lease_that_was_given_up_has_no_holder_and_ends_in_a_second()
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate first = await all.AddLeaderAsync("a");
        await first.End.CancelAsync();
        await all.UntilAsync(() => first.Run.IsCompleted);
        Assert.Equal("", all.Spec["holderIdentity"]!.ToString());
        Assert.Equal(1, all.Spec["leaseDurationSeconds"]!.GetValue<double>());
    }

    [Fact]
    public async Task A_candidate_that_does_not_lead_ends_at_once_and_leaves_the_Lease_alone()
    {
        await using Candidates all = await Candidates.StartAsync();
        await all.AddLeaderAsync("a");
        Candidate other = all.Add("b");
        await all.RunAsync(5);
        await other.End.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other.Run.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal("a", all.Spec["holderIdentity"]!.ToString());
        Assert.DoesNotContain(all.Server.Requests, request => Candidates.WritesOf("b")(request));
    }

    [Theory]
    [InlineData(409)]
    [InlineData(500)]
    public async Task Giving_up_is_tried_again(int code)
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate first = await all.AddLeaderAsync("a");
        all.Add("b");
        await all.RunAsync(1);
        all.Server.Add(Fault.Answer(code), Candidates.WritesOf("a"), times: 2);
        await first.End.CancelAsync();
        await all.UntilAsync(() => all.Leader == "b");
        Assert.InRange(all.Terms[1].Begin - all.Terms[0].End!.Value, 0, 3);
    }

    [Fact]
    public async Task A_leader_ends_within_two_seconds_also_if_the_server_does_not_answer()
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate leader = await all.AddLeaderAsync("a");
        all.Silence(_ => true);
        await all.RunAsync(1);
        double before = all.Seconds;
        await leader.End.CancelAsync();
        await all.UntilAsync(() => leader.Run.IsCompleted);
        Assert.InRange(all.Seconds - before, 1.9, 2.5);
        Assert.Single(leader.Lines.Warnings);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_work_throws_ends_the_election_and_gives_the_Lease_up(bool isCancellation)
    {
        Exception thrown = isCancellation ? new TaskCanceledException("its own") : new InvalidOperationException("broken");
        await using Candidates all = await Candidates.StartAsync();
        Candidate first = await all.AddLeaderAsync("a", async stop =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), all.Clock, stop);
            throw thrown;
        });
        await all.UntilAsync(() => first.Run.IsCompleted);
        Assert.Same(thrown, await Assert.ThrowsAnyAsync<Exception>(() => first.Run));
        Assert.Equal("", all.Spec["holderIdentity"]!.ToString());
    }

    [Fact]
    public async Task Work_that_ends_by_itself_begins_again()
    {
        await using Candidates all = await Candidates.StartAsync();
        all.Add("a", stop => Task.Delay(TimeSpan.FromSeconds(3), all.Clock, stop));
        await all.UntilAsync(() => all.Terms.Length == 3);
        Assert.All(all.Terms, term => Assert.Equal("a", term.Name));
        Assert.Equal(0, all.Spec["leaseTransitions"]!.GetValue<double>());
    }

    [Fact]
    public async Task A_failure_that_no_API_has_ends_the_work_before_the_election()
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate first = await all.AddLeaderAsync("a");
        first.Api.Failure = new InvalidOperationException("broken");
        await all.UntilAsync(() => first.Run.IsCompleted);
        Assert.Same(first.Api.Failure, await Assert.ThrowsAsync<InvalidOperationException>(() => first.Run));
        Assert.NotNull(all.Terms.Single().End);
    }
}
