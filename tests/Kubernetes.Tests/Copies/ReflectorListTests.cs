using System.Globalization;
using ApiServer;
using Kubernetes.Tests.Infrastructure;
using Microsoft.Extensions.Time.Testing;

namespace Kubernetes.Tests.Copies;

public sealed class ReflectorListTests : IAsyncLifetime
{
    private KubeApiServer _server = null!;

    public async Task InitializeAsync() => _server = await KubeApiServer.Start();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_long_list_comes_in_pages_and_only_the_whole_one_counts()
    {
        PutMany(1200);
        using FaultRule lastPage = _server.Add(Fault.Answer(500), IsThirdPage(), times: int.MaxValue);
        await using var copy = new Copy(_server);
        await copy.UntilAsync(() => lastPage.Count == 2);
        Assert.False(copy.IsSynced);
        Assert.Empty(copy.Reflector.Objects);
        Assert.Empty(copy.Changes);

        lastPage.Dispose();
        _server.ForgetRequests();
        await copy.UntilAsync(() => copy.IsSynced);
        Assert.Equal(1200, copy.Reflector.Objects.Distinct().Count());
        Assert.Equal(1200, copy.Changes.Distinct().Count());
        Assert.Equal(3, _server.Requests.Count(request => request.Verb == "list" && request.Query["limit"] == "500"));
    }

    [Fact]
    public async Task A_list_whose_continue_token_expires_begins_again()
    {
        PutMany(600);
        bool isExpired = false;
        _server.Add(Fault.Silence, request =>
        {
            if (request.Query.ContainsKey("continue") && !isExpired)
            {
                isExpired = true;
                _server.Remove("n0000");
                _server.ExpireHistory();
            }

            return false;
        });
        await using var copy = new Copy(_server);
        await copy.UntilAsync(() => copy.IsSynced);
        Assert.Equal([200, 410, 200, 200], _server.Requests.Where(Nodes.IsList).Select(request => request.Status!.Value));
        Assert.Equal(599, copy.Reflector.Objects.Count);
        Assert.Empty(copy.Warnings);
    }

    [Fact]
    public async Task A_list_without_an_answer_is_given_up_after_ten_seconds()
    {
        _server.Put("a", 1);
        _server.Add(Fault.Silence, Nodes.IsList);
        await using var copy = new Copy(_server, new FakeTimeProvider());
        await copy.UntilAsync(() => _server.Requests.Any());
        await copy.UntilAsync(() => copy.Warnings.Length == 1);
        Assert.InRange(copy.Time.TotalSeconds, 10, 13);
        await copy.UntilAsync(() => copy.IsSynced);
        Assert.Equal("a=1", copy.Text);
    }

    [Fact]
    public async Task A_server_that_is_busy_is_asked_again_when_it_says()
    {
        _server.Add(Fault.Answer(429, TimeSpan.FromSeconds(20)), Nodes.IsList);
        await using var copy = new Copy(_server);
        await copy.UntilAsync(() => copy.IsSynced);
        Assert.InRange(copy.Time.TotalSeconds, 20, 40);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(403)]
    public async Task Failures_are_tried_again_after_growing_pauses_and_are_told(int code)
    {
        _server.Add(Fault.Answer(code), Nodes.IsList, times: 4);
        await using var copy = new Copy(_server);
        await copy.UntilAsync(() => copy.IsSynced);
        Assert.InRange(copy.Time.TotalSeconds, 0.8 + 1.6 + 3.2 + 6.4, 30);
        Assert.Equal(4, copy.Warnings.Length);
        Assert.All(copy.Warnings, line => Assert.Contains(code.ToString(CultureInfo.InvariantCulture), line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_that_the_server_refuses_counts_no_more_when_its_file_changes()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "old\n");
            _server.Token = "new";
            await using var copy = new Copy(_server, token: new TokenFile(file));
            await copy.UntilAsync(() => _server.Requests.Count(request => request.Status == 401) >= 2);
            Assert.False(copy.IsSynced);
            await File.WriteAllTextAsync(file, "new\n");
            await copy.UntilAsync(() => copy.IsSynced);

            // A file that cannot be read is a failure like others.
            File.Delete(file);
            _server.CutWatches();
            await copy.UntilAsync(() => copy.Warnings.Any(line => line.Contains(file, StringComparison.Ordinal)));
            await File.WriteAllTextAsync(file, "new\n");
            _server.Put("a", 1);
            await copy.UntilSameAsync(_server);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Func<ApiRequest, bool> IsThirdPage()
    {
        var seen = new List<string>();
        return request =>
        {
            if (request.Query.GetValueOrDefault("continue") is not string token)
            {
                seen.Clear();
                return false;
            }

            seen.Add(token);
            return seen.Count == 2;
        };
    }

    private void PutMany(int count)
    {
        for (int number = 0; number < count; number++)
        {
            _server.Put($"n{number:0000}", number);
        }
    }
}
