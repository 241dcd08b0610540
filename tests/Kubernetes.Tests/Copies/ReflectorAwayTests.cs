using ApiServer;
using Kubernetes.Tests.Infrastructure;

namespace Kubernetes.Tests.Copies;

/// <summary>What a watch cannot tell afterwards: then the copy is compared with a new list.</summary>
public sealed class ReflectorAwayTests : IAsyncLifetime
{
    private KubeApiServer _server = null!;

    public async Task InitializeAsync() => _server = await KubeApiServer.Start();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task After_expired_history_only_differences_are_told()
    {
        await using Copy copy = await StartAsync();
        using (FaultRule away = Away())
        {
            await copy.UntilAsync(() => away.Count > 0);
            Change();
            _server.ExpireHistory();
        }

        await copy.UntilSameAsync(_server);
        Assert.Equal(2, _server.Lists().Length);
        AssertDifferences(copy.Changes);
    }

    [Fact]
    public async Task After_an_answer_that_the_version_is_gone_only_differences_are_told()
    {
        await using Copy copy = await StartAsync();
        using (FaultRule away = Away())
        {
            await copy.UntilAsync(() => away.Count > 0);
            Change();
            _server.Add(Fault.Answer(410), Nodes.IsWatch);
        }

        await copy.UntilSameAsync(_server);
        Assert.Equal(2, _server.Lists().Length);
        AssertDifferences(copy.Changes);
    }

    [Fact]
    public async Task A_server_whose_watches_all_expire_is_not_asked_for_list_after_list()
    {
        using FaultRule expired = _server.Add(Fault.Answer(410), Nodes.IsWatch, times: int.MaxValue);
        await using var copy = new Copy(_server);
        await copy.UntilAsync(() => copy.Time > TimeSpan.FromSeconds(30));
        Assert.InRange(_server.Lists().Length, 2, 7);
        _server.Put("a", 1);
        await copy.UntilSameAsync(_server);
    }

    [Fact]
    public async Task An_object_that_was_deleted_and_made_again_is_another_one()
    {
        _server.Put("a", 1);
        await using Copy copy = await Copy.SyncedAsync(_server);
        string uid = copy.Reflector.Find("a")!.Value.Meta.Uid;
        using (FaultRule away = Away())
        {
            await copy.UntilAsync(() => away.Count > 0);
            _server.Remove("a");
            _server.Put("a", 2);
            _server.ExpireHistory();
        }

        await copy.UntilSameAsync(_server);
        Assert.Equal([">a=1", "a=1>a=2"], copy.Changes);
        Assert.Equal(["", ""], copy.Known);
        Assert.NotEqual(uid, copy.Reflector.Find("a")!.Value.Meta.Uid);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_store_that_was_restored_to_an_older_state_is_followed(bool sendsBookmarks)
    {
        _server.SendsBookmarks = sendsBookmarks;
        await using Copy copy = await StartAsync();
        StoreBackup backup = _server.Backup();
        string before = copy.Text;
        Change();
        await copy.UntilSameAsync(_server);

        _server.Restore(backup);
        await copy.UntilSameAsync(_server);
        Assert.Equal(before, copy.Text);
        Assert.Equal(2, _server.Lists().Length);

        // Versions are lower than before now.
        _server.Put("same", 7);
        await copy.UntilSameAsync(_server);
        Assert.Equal(2, _server.Lists().Length);
    }

    [Fact]
    public async Task A_store_that_was_restored_while_the_server_was_away_is_followed()
    {
        await using Copy copy = await StartAsync();
        StoreBackup backup = _server.Backup();
        Change();
        await copy.UntilSameAsync(_server);
        await _server.GoAway();
        _server.Restore(backup);
        await copy.UntilAsync(() => copy.Warnings.Length >= 3);
        await _server.Return();
        await copy.UntilSameAsync(_server);
    }

    private static void AssertDifferences(string[] changes) =>
        Assert.Equal([">new=1", "changed=1>changed=2", "gone=1>"], changes[3..].Order(StringComparer.Ordinal));

    private async Task<Copy> StartAsync()
    {
        _server.Put("same", 1);
        _server.Put("changed", 1);
        _server.Put("gone", 1);
        return await Copy.SyncedAsync(_server);
    }

    /// <summary>Cuts the watch, and each one that follows.</summary>
    private FaultRule Away()
    {
        FaultRule rule = _server.Add(Fault.CutBefore, Nodes.IsWatch, times: int.MaxValue);
        _server.CutWatches();
        return rule;
    }

    private void Change()
    {
        _server.Put("changed", 2);
        _server.Remove("gone");
        _server.Put("new", 1);
    }
}
