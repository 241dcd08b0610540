using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace ApiServer.Tests;

/// <summary>What the server answered.</summary>
internal sealed record Answer(int Code, JsonNode? Body)
{
    public string? Reason => (string?)Body?["reason"];

    public string? Message => (string?)Body?["message"];

    public string Revision => (string)Body!["metadata"]!["resourceVersion"]!;

    /// <summary>The answer, which must not be an error.</summary>
    public JsonObject Object => Code < 300 ? (JsonObject)Body! : throw new InvalidOperationException(ToString());

    public string[] Names => [.. Body!["items"]!.AsArray().Select(item => (string)item!["metadata"]!["name"]!)];

    /// <summary>A part of the body as JSON.</summary>
    public string Part(string path) => path.Split('/').Aggregate(Body, (node, key) => node?[key])?.ToJsonString() ?? "null";

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Code} {Body?.ToJsonString()}");
}

/// <summary>A client that sends what it is told, and knows nothing.</summary>
internal sealed class Api : IDisposable
{
    private readonly HttpClient _client;

    public Api(Uri url, string? token = null)
    {
        _client = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(20) };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("tests/1.0");
        if (token is not null)
        {
            _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    public Task<Answer> Get(string path, string accept = "application/json") => Send(HttpMethod.Get, path, null, "", accept);

    public Task<Answer> Post(string path, string body) => Send(HttpMethod.Post, path, body, "application/json");

    public Task<Answer> Put(string path, string body) => Send(HttpMethod.Put, path, body, "application/json");

    public Task<Answer> Delete(string path, string? options = null) => Send(HttpMethod.Delete, path, options, "application/json");

    /// <summary>A patch of the kind json, merge or strategic-merge.</summary>
    public Task<Answer> Patch(string path, string kind, string body) =>
        Send(HttpMethod.Patch, path, body, $"application/{kind}-patch+json");

    public Task<Answer> Apply(string path, string manager, string body, bool isForced = false) => Send(
        HttpMethod.Patch, $"{path}?fieldManager={manager}{(isForced ? "&force=true" : "")}", body, "application/apply-patch+yaml");

    /// <summary>The whole answer, unread.</summary>
    public Task<HttpResponseMessage> Open(string path, CancellationToken cancellation = default) =>
        _client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellation);

    public async Task<Lines> Watch(string path)
    {
        HttpResponseMessage response = await Open(path);
        return new Lines(response, await response.Content.ReadAsStreamAsync());
    }

    public void Dispose() => _client.Dispose();

    private async Task<Answer> Send(HttpMethod method, string path, string? body, string type, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(type));
        }

        using HttpResponseMessage response = await _client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        bool isJson = response.Content.Headers.ContentType?.MediaType == "application/json";
        return new Answer((int)response.StatusCode, isJson ? JsonNode.Parse(text) : text);
    }
}

/// <summary>The lines of a watch.</summary>
internal sealed class Lines(HttpResponseMessage response, Stream stream) : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    private readonly StreamReader _reader = new(stream);

    public int Code => (int)response.StatusCode;

    /// <summary>The next line; null at the end.</summary>
    public async Task<string?> Raw()
    {
        using var late = new CancellationTokenSource(_limit);
        return await _reader.ReadLineAsync(late.Token);
    }

    /// <summary>The next event, which must come.</summary>
    public async Task<JsonObject> Next() =>
        (JsonObject)JsonNode.Parse(await Raw() ?? throw new InvalidOperationException("the watch has ended"))!;

    /// <summary>The next events as <c>ADDED name</c>.</summary>
    public async Task<string[]> Next(int count)
    {
        var events = new List<string>();
        while (events.Count < count)
        {
            JsonObject one = await Next();
            events.Add($"{one["type"]} {one["object"]!["metadata"]!["name"]}");
        }

        return [.. events];
    }

    public void Dispose()
    {
        _reader.Dispose();
        response.Dispose();
    }
}
