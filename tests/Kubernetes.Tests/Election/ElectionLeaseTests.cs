using System.Text.Json.Nodes;
using ApiServer;
using Kubernetes.Tests.Infrastructure;

namespace Kubernetes.Tests.Election;

/// <summary>What is in the Lease, also by others.</summary>
public sealed class ElectionLeaseTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(20)]
    public async Task A_Lease_is_respected_for_the_duration_that_it_says(int duration)
    {
        await using Candidates all = await Candidates.StartAsync();
        all.PutLease($"holderIdentity: other, leaseDurationSeconds: {duration}");
        await all.AddLeaderAsync("a");
        Assert.InRange(all.Seconds, duration, duration + 2.8);
    }

    [Theory]
    [InlineData("1999-01-01T00:00:00.000000Z")]
    [InlineData("2099-01-01T00:00:00.000000Z")]
    public async Task Clocks_of_others_do_not_matter(string renewed)
    {
        await using Candidates all = await Candidates.StartAsync();
        all.PutLease($"holderIdentity: other, leaseDurationSeconds: 8, renewTime: \"{renewed}\"");
        await all.AddLeaderAsync("a");
        Assert.InRange(all.Seconds, 8, 10.8);
    }

    [Theory]
    [InlineData("")]
    [InlineData("holderIdentity: \"\"")]
    [InlineData("holderIdentity: \"\", leaseDurationSeconds: 600, leaseTransitions: 3")]
    public async Task A_Lease_without_a_holder_is_taken_at_once(string spec)
    {
        await using Candidates all = await Candidates.StartAsync();
        all.PutLease(spec);
        await all.AddLeaderAsync("a");
        Assert.InRange(all.Seconds, 0, 1);
        Assert.Equal("a", all.Spec["holderIdentity"]!.ToString());
        Assert.Equal(8, all.Spec["leaseDurationSeconds"]!.GetValue<double>());
    }

    [Fact]
    public async Task Another_holder_that_renews_is_respected()
    {
        await using Candidates all = await Candidates.StartAsync();
        all.Add("a");
        for (int time = 0; time < 5; time++)
        {
            all.PutLease($"holderIdentity: other, leaseDurationSeconds: 8, renewTime: \"2030-01-01T00:00:0{time}.000000Z\"");
            await all.RunAsync(7);
        }

        Assert.Empty(all.Terms);
    }

    [Fact]
    public async Task Who_sees_another_holder_stops()
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate first = await all.AddLeaderAsync("a");
        all.PutLease("holderIdentity: thief, leaseDurationSeconds: 8");
        await all.UntilAsync(() => all.Leader is null);
        Assert.InRange(all.Seconds, 0, 2.5);
        Assert.False(first.Election.IsLeader);
        Assert.Equal("thief", first.Election.Holder);
        await all.UntilAsync(() => all.Leader == "a");
        Assert.InRange(all.Terms[1].Begin - all.Terms[0].End!.Value, 8, 10.8);
    }

    [Fact]
    public async Task What_others_write_into_the_Lease_stays_and_does_not_lose_the_lead()
    {
        await using Candidates all = await Candidates.StartAsync("a", "b");
        await all.UntilAsync(() => all.Leader is not null);
        for (int time = 0; time < 20; time++)
        {
            Annotate(all, time);
            await all.RunAsync(0.7);
        }

        Assert.Single(all.Terms);
        Assert.Equal("19", all.Lease!["metadata"]!["annotations"]!["note"]!.ToString());
        Assert.NotEqual(all.Spec["acquireTime"]!.ToString(), all.Spec["renewTime"]!.ToString());
    }

    [Fact]
    public async Task What_others_write_into_the_Lease_does_not_renew_it()
    {
        await using Candidates all = await Candidates.StartAsync();
        all.PutLease("holderIdentity: dead, leaseDurationSeconds: 8");
        all.Add("a");
        for (int time = 0; all.Leader is null; time++)
        {
            Annotate(all, time);
            await all.RunAsync(1);
        }

        Assert.InRange(all.Terms[0].Begin, 8, 13);
    }

    [Fact]
    public async Task Each_new_holder_counts_once()
    {
        await using Candidates all = await Candidates.StartAsync();
        Candidate a = await all.AddLeaderAsync("a");
        Assert.Equal(0, all.Spec["leaseTransitions"]!.GetValue<double>());
        string acquired = all.Spec["acquireTime"]!.ToString();
        await all.RunAsync(9);
        Assert.Equal(acquired, all.Spec["acquireTime"]!.ToString());

        Candidate b = all.Add("b");
        await a.End.CancelAsync();
        await all.UntilAsync(() => all.Leader == "b");
        Assert.Equal(1, all.Spec["leaseTransitions"]!.GetValue<double>());
        Assert.NotEqual(acquired, all.Spec["acquireTime"]!.ToString());

        all.Add("c");
        all.Server.Add(Fault.CutBefore, Candidates.Of("b"), times: int.MaxValue);
        await all.UntilAsync(() => all.Leader == "c");
        Assert.Equal(2, all.Spec["leaseTransitions"]!.GetValue<double>());
    }

    [Fact]
    public async Task A_Lease_that_is_deleted_is_made_again_by_its_holder()
    {
        await using Candidates all = await Candidates.StartAsync("a", "b", "c");
        await all.UntilAsync(() => all.Leader is not null);
        await all.RunAsync(3);
        for (int time = 0; time < 10; time++)
        {
            all.Server.Delete("leases.coordination.k8s.io", Candidates.Name, Candidates.Space);
            await all.UntilAsync(() => all.Lease is not null, limit: 2.5);
            await all.RunAsync(2.5 + (time * 0.1));
        }

        Assert.Equal(all.Leader, Assert.Single(all.Terms).Name);
    }

    [Fact]
    public async Task A_Lease_that_is_deleted_after_its_holder_has_died_is_taken_by_another()
    {
        await using Candidates all = await Candidates.StartAsync();
        await all.AddLeaderAsync("a");
        all.Add("b");
        await all.RunAsync(3);
        using (all.Server.Add(Fault.CutBefore, Candidates.Of("a"), times: int.MaxValue))
        {
            await all.RunAsync(1);
            all.Server.Delete("leases.coordination.k8s.io", Candidates.Name, Candidates.Space);
            await all.UntilAsync(() => all.Leader == "b");
        }
    }

    private static void Annotate(Candidates all, int value) => all.Server.Apply(new JsonObject
    {
        ["apiVersion"] = "coordination.k8s.io/v1",
        ["kind"] = "Lease",
        ["metadata"] = new JsonObject
        {
            ["name"] = Candidates.Name,
            ["namespace"] = Candidates.Space,
            ["annotations"] = new JsonObject { ["note"] = $"{value}" },
        },
    });
}
