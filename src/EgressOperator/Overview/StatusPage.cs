using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EgressOperator.Overview;

/// <summary>
/// The page of the controller, below <c>/status/</c>. It shows the names of pods, so without <paramref name="from"/> only the pod itself
/// may read it: that is where <c>kubectl port-forward</c> comes from.
/// </summary>
/// <param name="from">Networks whose hosts may read it too.</param>
/// <param name="stop">Ends what is sent as long as somebody looks.</param>
internal sealed class StatusPage(StatusFeed feed, ImmutableArray<IPNetwork> from, TimeProvider clock, CancellationToken stop)
{
    private const string Root = "/status/";

    private const int MostViewers = 32;

    /// <summary>How often a viewer looks whether there is something new.</summary>
    private static readonly TimeSpan _beat = TimeSpan.FromMilliseconds(200);

    /// <summary>After so much silence something is sent, which fails if the viewer is gone.</summary>
    private static readonly TimeSpan _longestSilence = TimeSpan.FromSeconds(10);

    private static readonly Dictionary<string, (string Type, byte[] Content)> _files = new()
    {
        [Root] = ("text/html; charset=utf-8", Resource("page.html")),
        [Root + "page.css"] = ("text/css; charset=utf-8", Resource("page.css")),
        [Root + "page.js"] = ("text/javascript; charset=utf-8", Resource("page.js")),
    };

    private int _viewers;

    /// <summary>Answers a request of the page.</summary>
    /// <returns>Whether it is one.</returns>
    public async Task<bool> AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        if (path is "/" or "/status")
        {
            context.Response.Redirect(Root);
            return true;
        }

        if (!path.StartsWith(Root, StringComparison.Ordinal))
        {
            return false;
        }

        SetHeaders(context.Response.Headers);
        if (WhyRefused(context) is string reason)
        {
            await RefuseAsync(context.Response, HttpStatusCode.Forbidden, reason);
        }
        else if (!HttpMethods.IsGet(context.Request.Method))
        {
            await RefuseAsync(context.Response, HttpStatusCode.MethodNotAllowed, "the page changes nothing: only GET is answered");
        }
        else if (path == Root + "state.json")
        {
            context.Response.ContentType = "application/json";
            await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
            StatusJson.Write(json, await feed.StatusAsync(context.RequestAborted));
        }
        else if (path == Root + "changes")
        {
            await SendChangesAsync(context);
        }
        else if (_files.TryGetValue(path, out (string Type, byte[] Content) file))
        {
            context.Response.ContentType = file.Type;
            await context.Response.Body.WriteAsync(file.Content, context.RequestAborted);
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>No other page may frame this one, and nothing is loaded from elsewhere.</summary>
    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
    }

    private string? WhyRefused(HttpContext context)
    {
        IPAddress? remote = context.Connection.RemoteIpAddress;
        remote = remote?.IsIPv4MappedToIPv6 == true ? remote.MapToIPv4() : remote;
        if (remote is null)
        {
            return "the client has no address";
        }

        if (!IPAddress.IsLoopback(remote))
        {
            return from.Any(network => network.Contains(remote)) ? null
                : "only the pod itself may read this page: use kubectl port-forward, or start the controller with --status-from";
        }

        // A page of another site could have its name resolved to this address (DNS rebinding).
        string host = context.Request.Host.Host.Trim('[', ']');
        return host == "localhost" || (IPAddress.TryParse(host, out IPAddress? named) && IPAddress.IsLoopback(named)) || !from.IsEmpty
            ? null : "the page is at localhost";
    }

    private static async Task RefuseAsync(HttpResponse response, HttpStatusCode code, string reason)
    {
        response.StatusCode = (int)code;
        response.ContentType = "text/plain; charset=utf-8";
        await response.WriteAsync(reason + "\n");
    }

    /// <summary>Server-sent events (HTML standard, section 9.2): first all parts, then those that change.</summary>
    private async Task SendChangesAsync(HttpContext context)
    {
        if (Interlocked.Increment(ref _viewers) > MostViewers)
        {
            Interlocked.Decrement(ref _viewers);
            await RefuseAsync(context.Response, HttpStatusCode.ServiceUnavailable, $"{MostViewers} viewers look at the page already");
            return;
        }

        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stop);
            context.Response.ContentType = "text/event-stream";
            ImmutableDictionary<string, byte[]>? seen = null;
            long sentAt = 0;
            while (true)
            {
                ImmutableDictionary<string, byte[]> parts = feed.Look();
                if (parts != seen)
                {
                    await context.Response.Body.WriteAsync(Message(seen, parts), end.Token);
                    (seen, sentAt) = (parts, clock.GetTimestamp());
                }
                else if (clock.GetElapsedTime(sentAt) > _longestSilence)
                {
                    await context.Response.Body.WriteAsync(": nothing is new\n\n"u8.ToArray(), end.Token);
                    sentAt = clock.GetTimestamp();
                }

                await Task.Delay(_beat, clock, end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The viewer has gone, or the program ends.
        }
        finally
        {
            Interlocked.Decrement(ref _viewers);
        }
    }

    private static ReadOnlyMemory<byte> Message(ImmutableDictionary<string, byte[]>? seen, ImmutableDictionary<string, byte[]> parts)
    {
        using var stream = new MemoryStream();
        stream.Write("data: "u8);
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteBoolean("reset", seen is null);
            json.WriteStartObject("set");
            foreach ((string key, byte[] part) in parts)
            {
                if (seen is null || !seen.TryGetValue(key, out byte[]? known) || known != part)
                {
                    json.WritePropertyName(key);
                    json.WriteRawValue(part, skipInputValidation: true);
                }
            }

            json.WriteEndObject();
            json.Strings("gone", (seen ?? parts).Keys.Where(key => !parts.ContainsKey(key)));
            json.WriteEndObject();
        }

        stream.Write("\n\n"u8);
        return stream.ToArray();
    }

    private static byte[] Resource(string name)
    {
        using Stream stream = typeof(StatusPage).Assembly.GetManifestResourceStream(name)!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
