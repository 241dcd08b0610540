using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kubernetes.Tests.Infrastructure;

/// <summary>A server whose answers are what a test wants, also those that no API server gives.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Target, string Headers)> _requests = [];

    private readonly WebApplication _host;

    private StubServer(Func<HttpContext, Task> answer)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        _host = builder.Build();
        _host.Run(http =>
        {
            string headers = string.Join('\n', http.Request.Headers.Select(header => $"{header.Key}: {header.Value}"));
            _requests.Enqueue((http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget, headers));
            return answer(http);
        });
    }

    public Uri Url => new(_host.Urls.Single());

    /// <summary>Path and query as they came, not decoded, and the headers.</summary>
    public (string Target, string Headers)[] Requests => [.. _requests];

    public static async Task<StubServer> StartAsync(Func<HttpContext, Task> answer)
    {
        var server = new StubServer(answer);
        await server._host.StartAsync();
        return server;
    }

    /// <summary>Always the same answer.</summary>
    public static Task<StubServer> StartAsync(int code, string body, params (string Name, string Value)[] headers) => StartAsync(http =>
    {
        http.Response.StatusCode = code;
        foreach ((string name, string value) in headers)
        {
            http.Response.Headers[name] = value;
        }

        return http.Response.WriteAsync(body);
    });

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(new CancellationToken(canceled: true));
        await _host.DisposeAsync();
    }
}
