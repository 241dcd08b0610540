using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>What the API server answered.</summary>
/// <param name="Status">The HTTP status code.</param>
/// <param name="Body">JSON; a text as one string.</param>
public sealed record ApiAnswer(int Status, JsonNode Body)
{
    /// <summary>For messages of failed assertions.</summary>
    public override string ToString() => $"{Status}: {Body.ToJsonString()}";
}

/// <summary>Somebody who sends requests to an API server.</summary>
public sealed class ApiUser : IDisposable
{
    private readonly HttpClient _client;

    internal ApiUser(HttpClient client, string token)
    {
        _client = client;
        _client.Timeout = TimeSpan.FromSeconds(30);
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>A GET.</summary>
    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    /// <summary>Creates an object.</summary>
    public Task<ApiAnswer> PostAsync(string path, JsonNode body) => SendAsync(HttpMethod.Post, path, body);

    /// <summary>Deletes an object.</summary>
    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    /// <summary>Changes some members of an object.</summary>
    public Task<ApiAnswer> MergeAsync(string path, JsonNode body) =>
        SendAsync(HttpMethod.Patch, path, body, "application/merge-patch+json");

    /// <summary>Server-side apply.</summary>
    public Task<ApiAnswer> ApplyAsync(string path, string manager, JsonNode body) =>
        SendAsync(HttpMethod.Patch, $"{path}?fieldManager={manager}&force=true", body, "application/apply-patch+yaml");

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<ApiAnswer> SendAsync(HttpMethod method, string path, JsonNode? body, string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue(type));
        using HttpResponseMessage response = await _client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        return new ApiAnswer((int)response.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text)! : JsonValue.Create(text));
    }
}
