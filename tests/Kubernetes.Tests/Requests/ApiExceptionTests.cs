using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using ApiServer;
using k8s.Authentication;
using Kubernetes.Tests.Infrastructure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Kubernetes.Tests.Requests;

/// <summary>How requests fail, and what of it an operator can read.</summary>
public sealed class ApiExceptionTests
{
    [Theory]
    [InlineData(401, "Unauthorized")]
    [InlineData(403, "Forbidden")]
    [InlineData(410, "Expired")]
    [InlineData(429, "TooManyRequests")]
    [InlineData(500, "InternalError")]
    public async Task The_answer_of_an_API_server_has_code_reason_and_message(int code, string reason)
    {
        await using KubeApiServer server = await KubeApiServer.Start();
        server.Add(Fault.Answer(code));
        ApiException failure = await FailAsync(server.Url);
        Assert.Equal((HttpStatusCode)code, failure.Code);
        Assert.Equal(reason, failure.Reason);
        Assert.Equal($"GET /api/v1/nodes/n: {code} a fault was asked for: {code} {reason}", failure.Message);
        Assert.Equal(code == 410, failure.IsExpired);
        Assert.Null(failure.RetryAfter);
    }

    [Fact]
    public async Task Without_a_token_that_the_server_accepts_it_is_401()
    {
        await using KubeApiServer server = await KubeApiServer.Start(token: "right");
        ApiException failure = await FailAsync(server.Url, new StringTokenProvider("wrong", "Bearer"));
        Assert.Equal(HttpStatusCode.Unauthorized, failure.Code);
        Assert.Equal("GET /api/v1/nodes/n: 401 Unauthorized", failure.Message);
        Assert.True((await FailAsync(server.Url, new StringTokenProvider("right", "Bearer"))).IsNotFound);
    }

    [Fact]
    public async Task Credentials_that_cannot_be_read_fail_the_request()
    {
        await using StubServer server = await StubServer.StartAsync(200, "{}");
        ApiException failure = await FailAsync(server.Url, new TokenFile("/no/such/token"));
        Assert.Null(failure.Code);
        Assert.Equal("credentials: Could not find a part of the path '/no/such/token'.", failure.Message);
        failure = await FailAsync(server.Url, new BrokenPlugin());
        Assert.Equal("credentials: the plugin is broken", failure.Message);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("0", 0)]
    [InlineData("soon", null)]
    [InlineData("date", 30)]
    public async Task Retry_After_is_a_number_of_seconds_or_a_date_by_the_clock_of_the_server(string header, int? seconds)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        await using StubServer server = await StubServer.StartAsync(
            503, "", ("Date", now.ToString("R", CultureInfo.InvariantCulture)),
            ("Retry-After", header == "date" ? now.AddSeconds(30).ToString("R", CultureInfo.InvariantCulture) : header));
        Assert.Equal(seconds, (await FailAsync(server.Url)).RetryAfter?.TotalSeconds);
    }

    [Theory]
    [InlineData("""{"kind":"Status","code":429,"message":"wait","reason":"x","details":{"retryAfterSeconds":5}}""", "429 wait", "x", 5)]
    [InlineData("""{"kind":"Status"}""", "429 TooManyRequests", "", null)]
    [InlineData("""{"kind":"Node","message":"m"}""", """429 {"kind":"Node","message":"m"}""", "", null)]
    [InlineData("""["Status"]""", """429 ["Status"]""", "", null)]
    [InlineData("", "429 TooManyRequests", "", null)]
    public async Task A_Status_is_read_as_far_as_it_goes(string body, string text, string reason, int? seconds)
    {
        await using StubServer server = await StubServer.StartAsync(429, body);
        ApiException failure = await FailAsync(server.Url);
        Assert.Equal(HttpStatusCode.TooManyRequests, failure.Code);
        Assert.Equal($"GET /api/v1/nodes/n: {text}", failure.Message);
        Assert.Equal(reason, failure.Reason);
        Assert.Equal(seconds, failure.RetryAfter?.TotalSeconds);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("text/html; charset=windows-1252")]
    [InlineData("text/html; charset=none-of-them")]
    public async Task The_page_of_a_proxy_is_one_line(string type)
    {
        string page = "<html>\r\n  <title>\t502 Bad Gateway</title>\r\n" + new string('x', 5000);
        await using StubServer server = await StubServer.StartAsync(502, page, ("Content-Type", type));
        ApiException failure = await FailAsync(server.Url);
        Assert.Equal(HttpStatusCode.BadGateway, failure.Code);
        Assert.Equal("", failure.Reason);
        Assert.StartsWith(
            "GET /api/v1/nodes/n: 502 <html> <title> 502 Bad Gateway</title> xxx", failure.Message, StringComparison.Ordinal);
        Assert.InRange(failure.Message.Length, 200, 250);
    }

    [Theory]
    [InlineData("<html>login</html>")]
    [InlineData("")]
    [InlineData("""{"kind":"Node",""")]
    public async Task A_success_that_is_no_JSON_is_no_answer(string body)
    {
        await using StubServer server = await StubServer.StartAsync(200, body);
        ApiException failure = await FailAsync(server.Url);
        Assert.Null(failure.Code);
        Assert.Equal("GET /api/v1/nodes/n: the answer is not the JSON of a Kubernetes API", failure.Message);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"metadata":{}}""")]
    [InlineData("""{"metadata":[],"items":{}}""")]
    public async Task A_list_without_its_version_is_no_answer(string body)
    {
        await using StubServer server = await StubServer.StartAsync(200, body);
        using KubernetesApi api = Clients.Of(server.Url);
        ApiException failure = await Assert.ThrowsAsync<ApiException>(
            () => api.ListAsync(Resource.Nodes, Selection.All, CancellationToken.None));
        Assert.Null(failure.Code);
    }

    [Fact]
    public async Task A_request_that_is_cut_has_no_code_because_the_server_may_have_done_it()
    {
        await using KubeApiServer server = await KubeApiServer.Start();
        server.Put("n", 1);
        server.Add(Fault.CutAfter);
        Assert.Null((await FailAsync(server.Url)).Code);

        await using StubServer stub = await StubServer.StartAsync(async http =>
        {
            http.Response.ContentLength = 100;
            await http.Response.WriteAsync("""{"kind":""");
            await http.Response.Body.FlushAsync();
            await Task.Delay(50);
            http.Abort();
        });
        ApiException failure = await FailAsync(stub.Url);
        Assert.Null(failure.Code);
        Assert.Equal("", failure.Reason);
    }

    [Fact]
    public async Task A_server_that_is_away_is_named()
    {
        var server = await KubeApiServer.Start();
        await server.DisposeAsync();
        ApiException failure = await FailAsync(server.Url);
        Assert.Null(failure.Code);
        Assert.Equal($"GET /api/v1/nodes/n: Connection refused (127.0.0.1:{server.Port})", failure.Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_without_an_answer_ends_after_ten_seconds(bool hasBegun)
    {
        var asked = new TaskCompletionSource();
        await using StubServer server = await StubServer.StartAsync(async http =>
        {
            if (hasBegun)
            {
                await http.Response.WriteAsync("{");
                await http.Response.Body.FlushAsync();
            }

            asked.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        var clock = new FakeTimeProvider();
        using KubernetesApi api = Clients.Of(server.Url, clock: clock);
        Task<JsonElement> request = api.GetAsync(Resource.Nodes, null, "n", CancellationToken.None);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10));
        clock.Advance(TimeSpan.FromSeconds(9.9));
        await Task.Delay(50);
        Assert.False(request.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.2));
        ApiException failure = await Assert.ThrowsAsync<ApiException>(() => request.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Null(failure.Code);
        Assert.Equal("GET /api/v1/nodes/n: no answer within 10 s", failure.Message);
    }

    [Fact]
    public async Task A_request_that_is_cancelled_is_no_failure_of_the_server()
    {
        await using KubeApiServer server = await KubeApiServer.Start();
        server.Add(Fault.Silence);
        using KubernetesApi api = Clients.Of(server);
        using var end = new CancellationTokenSource(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => api.GetAsync(Resource.Nodes, null, "n", end.Token));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Gzip_is_read_and_damaged_gzip_is_no_answer(bool isDamaged)
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            await gzip.WriteAsync(Encoding.UTF8.GetBytes("""{"metadata":{"name":"n"}}"""));
        }

        byte[] bytes = packed.ToArray();
        if (isDamaged)
        {
            bytes.AsSpan(10).Fill(0xFF);
        }

        await using StubServer server = await StubServer.StartAsync(async http =>
        {
            http.Response.Headers.ContentEncoding = "gzip";
            await http.Response.Body.WriteAsync(bytes);
        });
        if (isDamaged)
        {
            Assert.Null((await FailAsync(server.Url)).Code);
            return;
        }

        using KubernetesApi api = Clients.Of(server.Url);
        Assert.Equal("n", ObjectMeta.Of(await api.GetAsync(Resource.Nodes, null, "n", CancellationToken.None)).Name);
    }

    private static async Task<ApiException> FailAsync(Uri url, ITokenProvider? tokens = null)
    {
        using KubernetesApi api = Clients.Of(url, clock: new FakeTimeProvider(), tokens: tokens);
        return await Assert.ThrowsAsync<ApiException>(
            () => api.GetAsync(Resource.Nodes, null, "n", CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10)));
    }

    private sealed class BrokenPlugin : ITokenProvider
    {
        public Task<System.Net.Http.Headers.AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken) =>
            throw new InvalidOperationException("the plugin is broken");
    }
}
