using ApiServer;

namespace EgressOperator.Tests.Controller;

/// <summary>The API server, or the leader, is not there for a while: neither the end nor the events change.</summary>
public sealed class SilenceTests : ChangingCluster
{
    [Theory]
    [InlineData("list", "egressips")]
    [InlineData("watch", "nodes")]
    [InlineData("apply", "egressips")]
    [InlineData("create", "events")]
    [InlineData("update", "leases")]
    public async Task A_call_gets_no_answer(string verb, string resource)
    {
        FaultRule rule = Server.Add(Fault.Silence, request => request.Verb == verb && request.Resource == resource);
        await ChangeAsync();
        Assert.Equal(1, rule.Count);
    }

    [Fact]
    public async Task Watches_are_cut_fall_silent_and_are_too_old() =>
        await ChangeAsync(meanwhile: () =>
        {
            Server.CutWatches();
            Server.ExpireHistory();
        }, before: Server.MuteWatches);

    [Fact]
    public async Task The_server_is_away_for_a_while()
    {
        await ChangeAsync(before: () => Task.Run(async () =>
        {
            await Server.GoAway();
            await Task.Delay(TimeSpan.FromSeconds(12));
            await Server.Return();
        }).GetAwaiter().GetResult());
    }

    [Fact]
    public async Task A_leader_that_has_slept_writes_nothing() // A47
    {
        using ControllerProcess first = Cluster.StartController().UntilItLeads();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1", "192.168.126.102@n2"]);
        using ControllerProcess second = Cluster.StartController();
        // What it has to do is on its way when it falls asleep.
        Server.Apply(Samples.Label("n1", null));
        first.Stop();
        second.UntilItLeads();
        await Cluster.UntilAsync("e", ["192.168.126.10@n3", "192.168.126.102@n2"]);
        Server.Apply(Samples.Label("n1", ""));
        Server.Apply(Samples.EgressIP("f", "192.168.126.20"));
        await Cluster.UntilAsync("f", ["192.168.126.20@n1"]);
        await Cluster.UntilAsync(async () => (await Cluster.EventsAsync()).Length == 2, () => "events are missing");
        Server.ForgetRequests();
        first.Continue();
        await Cluster.UntilAsync(
            () => Task.FromResult(first.Log.Contains("no longer leads", StringComparison.Ordinal)), () => "the first still leads");
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.DoesNotContain(Server.Requests, request => request.IsWrite && request.Resource is "egressips" or "events");
        Assert.Equal(["e: Reassigned", "f: UndefinedRequest"], await Cluster.EventsAsync());
    }
}
