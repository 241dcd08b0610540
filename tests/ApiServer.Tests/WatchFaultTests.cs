using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

/// <summary>What happens to watches, and to what they watch.</summary>
public class WatchFaultTests : OwnServer
{
    private const string Watching = Widgets + "?watch=true&allowWatchBookmarks=true";

    [Fact]
    public async Task A_watch_is_cut_in_the_middle_of_a_line()
    {
        Server.Add(Fault.CutLine(after: 1), request => request.Verb == "watch");
        using Lines watch = await Api.Watch(Watching);
        await Api.Post(Widgets, Widget("a"));
        Assert.Equal(["ADDED a"], await watch.Next(1));
        await Api.Post(Widgets, Widget("b"));
        await Assert.ThrowsAnyAsync<IOException>(watch.Raw);
    }

    [Fact]
    public async Task A_watch_sends_a_damaged_line()
    {
        Server.Add(Fault.DamagedLine(), request => request.Verb == "watch");
        using Lines watch = await Api.Watch(Widgets + "?watch=true");
        await Api.Post(Widgets, Widget("a"));
        Assert.Equal("{\"type\":\"MODIFIED\",\"object\":{\"kind\":", await watch.Raw());
        Assert.Equal(["ADDED a"], await watch.Next(1));
    }

    [Fact]
    public async Task All_watches_are_cut()
    {
        using Lines watch = await Api.Watch(Widgets + "?watch=true");
        Assert.Equal(1, Server.WatchCount);
        Server.CutWatches();
        await Assert.ThrowsAnyAsync<IOException>(watch.Raw);
    }

    [Fact]
    public async Task A_muted_watch_stays_open_and_says_nothing()
    {
        using Lines muted = await Api.Watch(Watching + "&timeoutSeconds=2");
        Server.MuteWatches();
        Server.BookmarkInterval = TimeSpan.FromMilliseconds(50);
        using Lines other = await Api.Watch(Widgets + "?watch=true");
        await Api.Post(Widgets, Widget("a"));
        Assert.Equal(["ADDED a"], await other.Next(1));
        Task<string?> line = muted.Raw();
        Assert.NotSame(line, await Task.WhenAny(line, Task.Delay(2500)));
        Server.CutWatches();
        await Assert.ThrowsAnyAsync<IOException>(() => line);
    }

    [Fact]
    public async Task Bookmarks_come_until_they_are_stopped()
    {
        Server.BookmarkInterval = TimeSpan.FromMilliseconds(50);
        await Api.Post("/api/v1/namespaces/default/configmaps", """{"metadata": {"name": "other"}}""");
        string revision = (await Api.Get(Widgets)).Revision;
        using Lines watch = await Api.Watch(Watching + "&resourceVersion=" + revision);
        JsonObject bookmark = await watch.Next();
        JsonNode? marked = bookmark["object"];
        Assert.Equal(
            ("BOOKMARK", "Widget", revision),
            ((string?)bookmark["type"], (string?)marked!["kind"], (string?)marked["metadata"]!["resourceVersion"]));
        Server.SendsBookmarks = false;
        using Lines silent = await Api.Watch(Watching + "&timeoutSeconds=1&resourceVersion=" + revision);
        Assert.Null(await silent.Raw());
        using Lines unwanted = await Api.Watch(Widgets + "?watch=true&timeoutSeconds=1&resourceVersion=" + revision);
        Assert.Null(await unwanted.Raw());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_version_that_is_forgotten_is_too_old(bool atOnce)
    {
        string old = (await Api.Get(Widgets)).Revision;
        await Api.Post(Widgets, Widget("a"));
        await Api.Post(Widgets, Widget("b"));
        string token = (string)(await Api.Get(Widgets + "?limit=1")).Body!["metadata"]!["continue"]!;
        await Api.Post(Widgets, Widget("c"));
        Server.HistoryLimit = 10;
        for (int time = 0; !atOnce && time < 12; time++)
        {
            await Api.Patch(Widgets + "/a", "merge", $$$"""{"metadata": {"labels": {"a": "{{{time}}}"} } }""");
        }

        if (atOnce)
        {
            Server.ExpireHistory();
        }

        using Lines watch = await Api.Watch($"{Widgets}?watch=true&resourceVersion={old}");
        JsonObject error = await watch.Next();
        JsonNode status = error["object"]!;
        Assert.Equal(
            (200, "ERROR", "Status", 410, "Expired"),
            (watch.Code, (string?)error["type"], (string?)status["kind"], (int?)status["code"], (string?)status["reason"]));
        Assert.Null(await watch.Raw());
        using Lines anew = await Api.Watch(Widgets + "?watch=true&resourceVersion=0");
        Assert.Equal("ADDED", (string?)(await anew.Next())["type"]);
        Answer next = await Api.Get($"{Widgets}?limit=1&continue={Uri.EscapeDataString(token)}");
        Assert.Equal((410, "Expired"), (next.Code, next.Reason));
    }

    [Fact]
    public async Task A_restored_state_has_its_older_version()
    {
        StoreBackup backup = Server.Backup();
        string old = (await Api.Get(Widgets)).Revision;
        await Api.Post(Widgets, Widget("a"));
        string young = (await Api.Get(Widgets)).Revision;
        Server.Restore(backup);
        Assert.Equal((old, 0), ((await Api.Get(Widgets)).Revision, Server.All("widgets").Count));
        using Lines past = await Api.Watch(Widgets + "?watch=true&resourceVersion=" + old);
        // As with etcd, a watch from the lost future is silent until that version is there again.
        using Lines watch = await Api.Watch(Widgets + "?watch=true&resourceVersion=" + young);
        await Api.Post(Widgets, Widget("b"));
        await Api.Post(Widgets, Widget("c"));
        Assert.Equal(["ADDED c"], await watch.Next(1));
        Assert.Equal(["ADDED b", "ADDED c"], await past.Next(2));
    }
}
