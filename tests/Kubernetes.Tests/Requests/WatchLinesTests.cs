using System.Net;
using Kubernetes.Tests.Infrastructure;

namespace Kubernetes.Tests.Requests;

public sealed class WatchLinesTests
{
    [Theory]
    [InlineData("""{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"old"}}""", 410, ": 410 old")]
    [InlineData(
        """{"type":"ERROR","object":{"kind":"Status","code":429,"details":{"retryAfterSeconds":3}}}""", 429, ": 429 TooManyRequests")]
    [InlineData("""{"type":"ERROR","object":{"kind":"Status"}}""", null, ": an error without a code")]
    [InlineData("""{"type":"MOVED","object":{}}""", null, " sent a watch event of the type MOVED")]
    [InlineData("""{"object":{}}""", null, " sent a watch event without a type")]
    [InlineData("""{"type":"ADDED"}""", null, " sent a watch event without an object")]
    [InlineData("null", null, " sent a watch event without an object")]
    [InlineData("<html>", null, ": the answer is not the JSON of a Kubernetes API")]
    public async Task A_line_of_a_watch_that_is_no_change_is_a_failure(string line, int? code, string end)
    {
        await using StubServer server = await StubServer.StartAsync(200, line + "\n");
        using KubernetesApi api = Clients.Of(server.Url);
        ApiException failure = await Assert.ThrowsAsync<ApiException>(async () =>
        {
            await foreach (WatchEvent change in api.WatchAsync(
                Resource.Nodes, Selection.All, "1", TimeSpan.FromSeconds(15), CancellationToken.None))
            {
                Assert.Fail(change.ToString());
            }
        });
        Assert.Equal((HttpStatusCode?)code, failure.Code);
        Assert.EndsWith(end, failure.Message, StringComparison.Ordinal);
        Assert.Equal(code == 429 ? 3 : null, failure.RetryAfter?.TotalSeconds);
        Assert.Equal(
            "/api/v1/nodes?watch=true&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=15", server.Requests.Single().Target);
    }
}
