using System.Diagnostics;
using System.Net.Sockets;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

/// <summary>What no real server does when asked.</summary>
public class FaultTests : OwnServer
{
    [Theory]
    [InlineData(401, "Unauthorized")]
    [InlineData(409, "Conflict")]
    [InlineData(410, "Expired")]
    [InlineData(429, "TooManyRequests")]
    [InlineData(500, "InternalError")]
    [InlineData(503, "ServiceUnavailable")]
    public async Task An_error_is_answered_as_often_as_wanted(int code, string reason)
    {
        using FaultRule rule = Server.Add(Fault.Answer(code, TimeSpan.FromSeconds(7)), request => request.Verb == "create", 2);
        for (int time = 0; time < 2; time++)
        {
            Answer answer = await Api.Post(Widgets, Widget("a"));
            Assert.Equal((code, reason, "7"), (answer.Code, answer.Reason, answer.Part("details/retryAfterSeconds")));
        }

        Assert.Equal(200, (await Api.Get(Widgets)).Code);
        Assert.Equal((201, 2), ((await Api.Post(Widgets, Widget("a"))).Code, rule.Count));
    }

    [Fact]
    public async Task Retry_After_is_a_header()
    {
        Server.Add(Fault.Answer(429, TimeSpan.FromSeconds(3)));
        using HttpResponseMessage response = await Api.Open(Widgets);
        Assert.Equal(TimeSpan.FromSeconds(3), response.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_rule_that_is_disposed_ends()
    {
        Server.Add(Fault.Answer(500), times: int.MaxValue).Dispose();
        Assert.Equal(200, (await Api.Get(Widgets)).Code);
    }

    [Fact]
    public async Task An_answer_comes_late()
    {
        Server.Add(Fault.Delay(TimeSpan.FromMilliseconds(300)));
        long began = Stopwatch.GetTimestamp();
        Assert.Equal(200, (await Api.Get(Widgets)).Code);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalMilliseconds, 290, 15000);
    }

    [Fact]
    public async Task An_answer_never_comes()
    {
        Server.Add(Fault.Silence);
        using var late = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Api.Open(Widgets, late.Token));
        Assert.Null(Assert.Single(Server.Requests).Status);
    }

    [Fact]
    public async Task A_request_is_cut_before_it_is_done()
    {
        Server.Add(Fault.CutBefore, request => request.Verb == "create");
        await Assert.ThrowsAsync<HttpRequestException>(() => Api.Post(Widgets, Widget("a")));
        Assert.Empty(Server.All("widgets"));
    }

    [Fact]
    public async Task A_request_is_cut_after_it_is_done()
    {
        Server.Add(Fault.CutAfter, request => request.Verb == "create");
        await Assert.ThrowsAsync<HttpRequestException>(() => Api.Post(Widgets, Widget("a")));
        Assert.Single(Server.All("widgets"));
        Assert.Equal((409, "AlreadyExists"), ((await Api.Post(Widgets, Widget("a"))).Code, (await Api.Post(Widgets, Widget("a"))).Reason));
    }

    [Fact]
    public async Task It_goes_away_and_returns_with_the_same_objects()
    {
        await Api.Post(Widgets, Widget("a"));
        Answer before = await Api.Get(Widgets);
        using Lines watch = await Api.Watch(Widgets + "?watch=true&resourceVersion=" + before.Revision);
        await Server.GoAway();
        await Assert.ThrowsAnyAsync<IOException>(watch.Raw);
        HttpRequestException refused = await Assert.ThrowsAsync<HttpRequestException>(() => Api.Get(Widgets));
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(refused.InnerException).SocketErrorCode);
        await Server.Return();
        Assert.Equal(before.Body!.ToJsonString(), (await Api.Get(Widgets)).Body!.ToJsonString());
    }

    [Fact]
    public async Task The_token_is_demanded_and_may_change()
    {
        Server.Token = "first";
        Assert.Equal((401, "Unauthorized"), ((await Api.Get(Widgets)).Code, (await Api.Get(Widgets)).Reason));
        using var first = new Api(Server.Url, "first");
        Assert.Equal(200, (await first.Get(Widgets)).Code);
        Server.Token = "second";
        Assert.Equal(401, (await first.Get(Widgets)).Code);
    }

    [Fact]
    public async Task Requests_are_recorded()
    {
        await Api.Apply(Widgets + "/a", "m", Widget("a"));
        await Api.Apply(Widgets + "/a/status", "m", Widget("a", "{}", """, "status": {"phase": "Done"}"""));
        await Api.Get(Widgets + "/b");
        Assert.Equal(
            ["apply widgets default/a -> 201", "apply widgets/status default/a -> 200", "get widgets default/b -> 404"],
            Server.Requests.Select(request => request.ToString()));
        ApiRequest status = Assert.Single(Server.Requests, request => request is { IsWrite: true, Subresource: "status" });
        Assert.Equal(("tests/1.0", "test.example"), (status.UserAgent, status.Group));
        Assert.Contains("Done", status.Body, StringComparison.Ordinal);
        Assert.InRange(DateTimeOffset.UtcNow - status.Time, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }
}
