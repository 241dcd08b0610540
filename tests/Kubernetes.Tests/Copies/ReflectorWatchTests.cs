using ApiServer;
using Kubernetes.Tests.Infrastructure;
using Microsoft.Extensions.Time.Testing;

namespace Kubernetes.Tests.Copies;

public sealed class ReflectorWatchTests : IAsyncLifetime
{
    private KubeApiServer _server = null!;

    public async Task InitializeAsync() => _server = await KubeApiServer.Start();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Changes_arrive_in_order_and_each_is_told_once()
    {
        _server.Put("a", 1);
        await using Copy copy = await Copy.SyncedAsync(_server);
        _server.Put("b", 1);
        _server.Put("a", 2);
        _server.Put("a", 3);
        _server.Remove("b");
        _server.Put("b", 2);
        await copy.UntilAsync(() => copy.Changes.Length >= 6);
        await copy.UntilSameAsync(_server);
        Assert.Equal([">a=1", ">b=1", "a=1>a=2", "a=2>a=3", "b=1>", ">b=2"], copy.Changes);
        Assert.Equal(["", "", "a=1", "a=2", ""], copy.Known);
        Assert.Equal("a=3", copy.Reflector.Find("a")?.Object);
        Assert.Equal(_server.Get("nodes", "a")!["metadata"]!["uid"]!.ToString(), copy.Reflector.Find("a")?.Meta.Uid);
        Assert.Null(copy.Reflector.Find("c"));
    }

    [Fact]
    public async Task Bookmarks_move_the_version_on()
    {
        _server.BookmarkInterval = TimeSpan.FromMilliseconds(20);
        await using Copy copy = await Copy.SyncedAsync(_server);
        string listed = VersionOf(_server.Watches()[^1]);
        // Changes of another kind: only bookmarks tell them to a watch of nodes.
        _server.ApplyYaml("{apiVersion: v1, kind: Namespace, metadata: {name: x}}");
        for (int attempt = 0; VersionOf(_server.Watches()[^1]) == listed; attempt++)
        {
            Assert.True(attempt < 50, "no bookmark was used");
            await Task.Delay(50);
            _server.CutWatches();
            await copy.UntilAsync(() => _server.WatchCount == 1);
        }

        _server.ExpireHistory();
        _server.CutWatches();
        _server.Put("a", 1);
        await copy.UntilSameAsync(_server);
        Assert.Single(_server.Lists());
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("cut in a line")]
    [InlineData("damaged line")]
    public async Task A_watch_that_breaks_goes_on_without_a_list_and_loses_nothing(string fault)
    {
        _server.BookmarkInterval = TimeSpan.FromHours(1);
        await using Copy copy = await Copy.SyncedAsync(_server);
        if (fault != "cut")
        {
            _server.Add(fault == "damaged line" ? Fault.DamagedLine(after: 1) : Fault.CutLine(after: 1), Nodes.IsWatch, times: 3);
        }

        for (int value = 1; value <= 30; value++)
        {
            _server.Put("a", value);
            if (value % 10 == 1)
            {
                _server.CutWatches();
            }
            else if (value % 10 == 6)
            {
                await copy.UntilAsync(() => _server.Watches().Length > (value + 4) / 10);
            }
        }

        await copy.UntilSameAsync(_server);
        Assert.Equal([">a=1", .. Enumerable.Range(1, 29).Select(value => $"a={value}>a={value + 1}")], copy.Changes);
        Assert.Single(_server.Lists());
        Assert.True(_server.Watches().Length >= 4);
    }

    [Fact]
    public async Task A_half_open_connection_is_noticed_within_30_seconds()
    {
        var clock = new FakeTimeProvider();
        await using Copy copy = await Copy.SyncedAsync(_server, clock);
        TimeSpan before = copy.Time;
        _server.MuteWatches();
        _server.Put("a", 1);
        await copy.UntilAsync(() => copy.Warnings.Length == 1);
        Assert.InRange((copy.Time - before).TotalSeconds, 20, 30);
        await copy.UntilSameAsync(_server);
        Assert.Single(_server.Lists());
    }

    [Fact]
    public async Task A_watch_without_an_answer_is_given_up_after_ten_seconds()
    {
        using FaultRule fault = _server.Add(Fault.Silence, Nodes.IsWatch);
        await using var copy = new Copy(_server, new FakeTimeProvider());
        await copy.UntilAsync(() => fault.Count == 1);
        _server.Put("a", 1);
        await copy.UntilAsync(() => copy.Warnings.Length == 1);
        Assert.InRange(copy.Time.TotalSeconds, 10, 13);
        await copy.UntilSameAsync(_server);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_watch_that_is_refused_is_asked_for_again(int code)
    {
        using FaultRule fault = _server.Add(Fault.Answer(code, TimeSpan.FromSeconds(9)), Nodes.IsWatch, times: 2);
        await using var copy = new Copy(_server);
        await copy.UntilAsync(() => fault.Count == 1);
        _server.Put("a", 1);
        await copy.UntilSameAsync(_server);
        Assert.InRange(copy.Time.TotalSeconds, 18, 40);
        Assert.Single(_server.Lists());
    }

    [Fact]
    public async Task A_server_that_was_away_is_followed_again()
    {
        _server.Put("a", 1);
        await using Copy copy = await Copy.SyncedAsync(_server);
        await _server.GoAway();
        _server.Put("b", 1);
        _server.Remove("a");
        await copy.UntilAsync(() => copy.Warnings.Length >= 3);
        Assert.Equal("a=1", copy.Text);
        await _server.Return();
        await copy.UntilSameAsync(_server);
        Assert.Equal("b=1", copy.Text);
        Assert.Single(_server.Lists());
    }

    [Fact]
    public async Task Pauses_are_short_again_after_a_watch_that_went_well()
    {
        await using Copy copy = await Copy.SyncedAsync(_server);
        using (_server.Add(Fault.Answer(500), Nodes.IsWatch, times: 5))
        {
            _server.CutWatches();
            await copy.UntilAsync(() => copy.Warnings.Length == 6 && _server.WatchCount == 1);
        }

        _server.Put("a", 1);
        await copy.UntilSameAsync(_server);
        TimeSpan before = copy.Time;
        int watches = _server.Watches().Length;
        _server.CutWatches();
        await copy.UntilAsync(() => _server.Watches().Length > watches);
        Assert.InRange((copy.Time - before).TotalSeconds, 0.8, 12);
    }

    private static string VersionOf(ApiRequest watch) => watch.Query["resourceVersion"];
}
