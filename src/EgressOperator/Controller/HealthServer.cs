using System.Net;
using EgressRouter.Tools;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Prometheus;

namespace EgressOperator.Controller;

/// <summary>Answers the kubelet and Prometheus: <c>/healthz</c>, <c>/readyz</c>, <c>/metrics</c>.</summary>
internal static class HealthServer
{
    private const string PrometheusText = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly TimeSpan _idle = TimeSpan.FromSeconds(5);

    /// <summary>Starts to listen on all addresses.</summary>
    /// <param name="notReady">Why the program cannot do its work yet; null: it can.</param>
    /// <param name="isStuck">Whether only a new process can help.</param>
    /// <param name="page">What else is answered: a request that it does not know gets false.</param>
    /// <exception cref="UsageException">The port is not free.</exception>
    public static async Task<WebApplication> StartAsync(
        int port, Func<string?> notReady, CollectorRegistry metrics, Func<bool>? isStuck = null,
        Func<HttpContext, Task<bool>>? page = null)
    {
        // The empty builder: others read files of the working directory, and watch them.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = 0;
            // Connections that are held open must not keep the kubelet out.
            options.Limits.KeepAliveTimeout = _idle;
            options.Limits.RequestHeadersTimeout = _idle;
            options.Limits.MaxConcurrentConnections = 1000;
            options.ListenAnyIP(port);
        });
        WebApplication application = builder.Build();
        application.Run(context => AnswerAsync(context, notReady, metrics, isStuck, page));
        try
        {
            await application.StartAsync();
        }
        catch (IOException fault)
        {
            throw new UsageException($"--port {port}: {fault.Message}");
        }

        return application;
    }

    /// <summary>The port, also if the system has chosen it.</summary>
    public static int PortOf(WebApplication application) => new Uri(application.Urls.First()).Port;

    private static async Task AnswerAsync(
        HttpContext context, Func<string?> notReady, CollectorRegistry metrics, Func<bool>? isStuck, Func<HttpContext, Task<bool>>? page)
    {
        if (page is not null && await page(context))
        {
            return;
        }

        HttpResponse response = context.Response;
        response.ContentType = "text/plain; charset=utf-8";
        switch (context.Request.Path.Value)
        {
            case "/healthz" when isStuck?.Invoke() == true:
                response.StatusCode = (int)HttpStatusCode.ServiceUnavailable;
                await response.WriteAsync("stuck\n");
                break;
            case "/healthz":
                await response.WriteAsync("ok\n");
                break;
            case "/readyz" when notReady() is string reason:
                response.StatusCode = (int)HttpStatusCode.ServiceUnavailable;
                await response.WriteAsync(reason + "\n");
                break;
            case "/readyz":
                await response.WriteAsync("ok\n");
                break;
            case "/metrics":
                response.ContentType = PrometheusText;
                await metrics.CollectAndExportAsTextAsync(response.Body, context.RequestAborted);
                break;
            default:
                response.StatusCode = (int)HttpStatusCode.NotFound;
                await response.WriteAsync("not found; there are /healthz, /readyz and /metrics\n");
                break;
        }
    }
}
