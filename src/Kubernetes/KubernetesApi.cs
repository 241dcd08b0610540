using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Authentication;

namespace Kubernetes;

/// <summary>The API over HTTP. Configuration and credentials are those of KubernetesClient.</summary>
public sealed class KubernetesApi : IKubernetesApi, IDisposable
{
    /// <summary>How long a request may take; a watch gets as much beyond its own duration.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _urgentConnect = TimeSpan.FromSeconds(0.5);

    private readonly HttpClient _http;

    private readonly Version _version;

    private readonly ServiceClientCredentials? _credentials;

    private readonly TimeProvider _clock;

    /// <param name="userAgent">The name of the program, for the audit log of the server.</param>
    /// <param name="clock">For limits of requests; null: the system's.</param>
    /// <param name="isUrgent">
    /// Whether a request may not wait until a connection proves to be dead. Then no two requests share one: one that has no answer in time
    /// ends its own, and the next request makes another.
    /// </param>
    /// <param name="prepare">What is done to each new socket before it connects; null: nothing.</param>
    public KubernetesApi(
        KubernetesClientConfiguration configuration, string userAgent, TimeProvider? clock = null, bool isUrgent = false,
        Action<Socket>? prepare = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        _clock = clock ?? TimeProvider.System;
        _version = isUrgent ? HttpVersion.Version11 : HttpVersion.Version20;
        _credentials = k8s.Kubernetes.CreateCredentials(configuration);
        var handler = new SocketsHttpHandler
        {
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = isUrgent ? _urgentConnect : _limit,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            // A connection that is dead without notice, for example because the server's node is gone, ends by an unanswered ping.
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            SslOptions = ClusterTls.Options(configuration),
            ConnectCallback = prepare is null ? null : (context, cancellation) => ConnectAsync(context.DnsEndPoint, prepare, cancellation),
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri(configuration.Host.TrimEnd('/') + "/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd(userAgent);
        _http.DefaultRequestHeaders.Accept.ParseAdd("application/json");
        // The handler takes the name that the certificate must have from here, and not from its options.
        _http.DefaultRequestHeaders.Host = string.IsNullOrEmpty(configuration.TlsServerName) ? null : configuration.TlsServerName;
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint server, Action<Socket> prepare, CancellationToken cancellation)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(server.Host, cancellation);
        for (int index = 0; ; index++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                prepare(socket);
                await socket.ConnectAsync(addresses[index], server.Port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException) when (index + 1 < addresses.Length)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<ObjectPage> ListPageAsync(
        Resource resource, Selection selection, int limit, string? continueToken, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(selection);
        string query = Query(selection, ("limit", $"{limit}"), ("continue", continueToken));
        JsonElement list = await SendAsync(HttpMethod.Get, resource.PathOf(selection.Namespace) + query, cancellation);
        JsonElement metadata = list.Object("metadata") ?? throw ApiException.Malformed("a list without metadata");
        return new ObjectPage(
            [.. list.Items("items")],
            metadata.Text("resourceVersion") ?? throw ApiException.Malformed("a list without metadata.resourceVersion"),
            metadata.Text("continue") is { Length: > 0 } token ? token : null);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<WatchEvent> WatchAsync(
        Resource resource, Selection selection, string resourceVersion, TimeSpan duration,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(selection);
        string path = resource.PathOf(selection.Namespace) + Query(
            selection,
            ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", resourceVersion),
            ("timeoutSeconds", $"{(int)duration.TotalSeconds}"));
        string request = $"watch of {resource.Plural}";
        using var answerLimit = new RequestLimit(request, _limit, _clock, cancellation);
        using HttpResponseMessage response = await AnswerAsync(HttpMethod.Get, path, body: null, answerLimit);
        using var limit = new RequestLimit(request, duration + _limit, _clock, cancellation);
        await using Stream stream = await limit.RunAsync(response.Content.ReadAsStreamAsync);
        await using IAsyncEnumerator<JsonElement> lines = JsonSerializer.DeserializeAsyncEnumerable(
            stream, ApiJson.Default.JsonElement, topLevelValues: true, limit.Token).GetAsyncEnumerator(limit.Token);
        while (await limit.RunAsync(async _ => await lines.MoveNextAsync()))
        {
            yield return Event(request, lines.Current);
        }
    }

    /// <inheritdoc/>
    public Task<JsonElement> GetAsync(Resource resource, string? space, string name, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return SendAsync(HttpMethod.Get, resource.PathOf(space, name), cancellation);
    }

    /// <inheritdoc/>
    public Task<JsonElement> CreateAsync(Resource resource, string? space, JsonObject source, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return SendAsync(HttpMethod.Post, resource.PathOf(space), cancellation, Body(source, "application/json"));
    }

    /// <inheritdoc/>
    public Task<JsonElement> ReplaceAsync(
        Resource resource, string? space, string name, JsonObject source, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return SendAsync(HttpMethod.Put, resource.PathOf(space, name), cancellation, Body(source, "application/json"));
    }

    /// <inheritdoc/>
    public Task<JsonElement> ApplyAsync(
        Resource resource, string? space, string name, string? subresource, JsonObject source, string fieldManager, bool force,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(resource);
        string query = Query(Selection.All, ("fieldManager", fieldManager), ("force", force ? "true" : "false"));
        // JSON is YAML, and every server that can apply reads it under this name.
        return SendAsync(
            HttpMethod.Patch, resource.PathOf(space, name, subresource) + query, cancellation,
            Body(source, "application/apply-patch+yaml"));
    }

    /// <inheritdoc/>
    public Task DeleteAsync(
        Resource resource, string? space, string name, string uid, CancellationToken cancellation, bool isLast = false)
    {
        ArgumentNullException.ThrowIfNull(resource);
        var options = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "DeleteOptions",
            ["preconditions"] = new JsonObject { ["uid"] = uid },
            ["propagationPolicy"] = isLast ? "Foreground" : "Background",
        };
        return SendAsync(HttpMethod.Delete, resource.PathOf(space, name), cancellation, Body(options, "application/json"));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlySet<string>> ResourceNamesAsync(Resource resource, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(resource);
        try
        {
            JsonElement list = await SendAsync(HttpMethod.Get, resource.GroupPath, cancellation);
            return list.Items("resources").Select(one => one.Text("name")).OfType<string>().ToHashSet();
        }
        catch (ApiException failure) when (failure.IsNotFound)
        {
            return new HashSet<string>();
        }
    }

    private static string Query(Selection selection, params (string Name, string? Value)[] more) =>
        "?" + string.Join('&', ((IEnumerable<(string Name, string? Value)>)
            [.. more, ("labelSelector", selection.LabelSelector), ("fieldSelector", selection.FieldSelector)])
            .Where(parameter => parameter.Value is not null)
            .Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value!)}"));

    private static ByteArrayContent Body(JsonObject source, string type)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new ByteArrayContent(source.ToUtf8()) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
    }

    private static WatchEvent Event(string request, JsonElement line)
    {
        JsonElement changed = line.Object("object") ?? throw ApiException.Malformed("a watch event without an object");
        return line.Text("type") switch
        {
            "ADDED" => new WatchEvent(WatchEventType.Added, changed),
            "MODIFIED" => new WatchEvent(WatchEventType.Modified, changed),
            "DELETED" => new WatchEvent(WatchEventType.Deleted, changed),
            "BOOKMARK" => new WatchEvent(WatchEventType.Bookmark, changed),
            "ERROR" => throw ApiException.Of(request, changed),
            string other => throw ApiException.Malformed($"a watch event of the type {other}"),
            null => throw ApiException.Malformed("a watch event without a type"),
        };
    }

    private async Task<JsonElement> SendAsync(
        HttpMethod method, string path, CancellationToken cancellation, HttpContent? body = null)
    {
        using var limit = new RequestLimit(Describe(method, path), _limit, _clock, cancellation);
        using HttpResponseMessage response = await AnswerAsync(method, path, body, limit);
        await using Stream stream = await limit.RunAsync(response.Content.ReadAsStreamAsync);
        return await limit.RunAsync(async token => await JsonSerializer.DeserializeAsync(stream, ApiJson.Default.JsonElement, token));
    }

    /// <summary>The answer as far as its headers, if it is a success.</summary>
    private async Task<HttpResponseMessage> AnswerAsync(HttpMethod method, string path, HttpContent? body, RequestLimit limit)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = body,
            Version = _version,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        HttpResponseMessage response = await limit.RunAsync(async token =>
        {
            await AuthorizeAsync(request, token);
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
        });
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            // Not as a string: a proxy's page may name a character set that this program does not have.
            byte[] text = await limit.RunAsync(response.Content.ReadAsByteArrayAsync);
            throw ApiException.Of(
                Describe(method, path), response.StatusCode, RetryAfter(response.Headers), Encoding.UTF8.GetString(text));
        }
    }

    private async Task AuthorizeAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            await (_credentials?.ProcessHttpRequestAsync(request, cancellation) ?? Task.CompletedTask);
        }
#pragma warning disable CA1031 // A plugin or a file that has no credentials now may have them later; each kind throws what it likes.
        catch (Exception failure) when (failure is not OperationCanceledException)
#pragma warning restore CA1031
        {
            throw ApiException.NoAnswer("credentials", failure.Message, failure);
        }
    }

    private TimeSpan? RetryAfter(HttpResponseHeaders headers) => headers.RetryAfter switch
    {
        { Delta: TimeSpan pause } => pause,
        // By the server's own clock, if it tells it.
        { Date: DateTimeOffset date } => date - (headers.Date ?? _clock.GetUtcNow()),
        _ => null,
    };

    private static string Describe(HttpMethod method, string path) => $"{method} /{path.Split('?')[0]}";
}
