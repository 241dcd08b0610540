using System.Text.Json;
using ApiServer;
using Kubernetes.Tests.Infrastructure;

namespace Kubernetes.Tests.Copies;

/// <summary>Answers to writes, which the copy takes over before a watch tells them.</summary>
public sealed class ReflectorObserveTests : IAsyncLifetime
{
    private KubeApiServer _server = null!;

    private Copy _copy = null!;

    public async Task InitializeAsync()
    {
        _server = await KubeApiServer.Start();
        _server.Put("a", 1);
        _copy = await Copy.SyncedAsync(_server);
    }

    public async Task DisposeAsync()
    {
        await _copy.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_newer_answer_counts_at_once_and_is_told_once()
    {
        _server.MuteWatches();
        JsonElement answer = Write(2);
        _copy.Reflector.Observe(answer);
        _copy.Reflector.Observe(answer);
        Assert.Equal("a=2", _copy.Text);
        Assert.Equal([">a=1", "a=1>a=2"], _copy.Changes);

        // The watch tells it once more, and then what is new.
        _server.CutWatches();
        Write(3);
        await _copy.UntilSameAsync(_server);
        Assert.Equal([">a=1", "a=1>a=2", "a=2>a=3"], _copy.Changes);
        Assert.Single(_server.Lists());
    }

    [Fact]
    public async Task An_older_answer_does_not_count()
    {
        JsonElement old = Write(2);
        Write(3);
        await _copy.UntilSameAsync(_server);
        int told = _copy.Changes.Length;
        _copy.Reflector.Observe(old);
        Assert.Equal("a=3", _copy.Text);
        Assert.Equal(told, _copy.Changes.Length);
    }

    [Fact]
    public async Task A_watch_that_is_behind_an_answer_does_not_undo_it()
    {
        _server.MuteWatches();
        Write(2);
        _copy.Reflector.Observe(Write(3));
        _server.CutWatches();
        _server.Put("b", 1);
        await _copy.UntilSameAsync(_server);
        Assert.Equal([">a=1", "a=1>a=3", ">b=1"], _copy.Changes);
    }

    [Fact]
    public async Task What_is_gone_does_not_come_back_and_what_is_unknown_waits_for_the_watch()
    {
        JsonElement old = Write(2);
        _server.Remove("a");
        await _copy.UntilSameAsync(_server);
        _copy.Reflector.Observe(old);
        Assert.Equal("", _copy.Text);

        _server.Put("a", 5);
        await _copy.UntilSameAsync(_server);
        _copy.Reflector.Observe(old);
        Assert.Equal("a=5", _copy.Text);

        _server.MuteWatches();
        _server.Put("b", 1);
        _copy.Reflector.Observe(Answer("b"));
        Assert.Null(_copy.Reflector.Find("b"));
    }

    [Fact]
    public async Task A_list_that_is_older_than_an_answer_does_not_undo_it()
    {
        for (int number = 0; number < 501; number++)
        {
            _server.Put($"n{number:000}", number);
        }

        await _copy.UntilSameAsync(_server);
        int told = _copy.Changes.Length;
        _server.Add(Fault.Answer(410), Nodes.IsWatch);
        _server.Add(Fault.Silence, request =>
        {
            if (request.Query.ContainsKey("continue"))
            {
                _copy.Reflector.Observe(Write(2));
            }

            return false;
        });
        _server.ForgetRequests();
        _server.CutWatches();
        await _copy.UntilAsync(() => _server.Watches().Length == 2);
        _server.Put("b", 1);
        await _copy.UntilSameAsync(_server);
        Assert.Equal(["a=1>a=2", ">b=1"], _copy.Changes[told..]);
        Assert.Single(_server.Lists());
    }

    private JsonElement Write(int value)
    {
        _server.Put("a", value);
        return Answer("a");
    }

    private JsonElement Answer(string name)
    {
        using var document = JsonDocument.Parse(_server.Get("nodes", name)!.ToJsonString());
        return document.RootElement.Clone();
    }
}
