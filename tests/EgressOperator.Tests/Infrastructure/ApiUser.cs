using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace EgressOperator.Tests;

/// <summary>What the API server answered.</summary>
internal sealed record ApiAnswer(int Status, JsonNode Body)
{
    public override string ToString() => $"{Status}: {Body.ToJsonString()}";
}

/// <summary>Somebody who sends requests to an API server.</summary>
internal sealed class ApiUser : IDisposable
{
    private readonly HttpClient _client;

    public ApiUser(Uri server, X509Certificate2 authority, string token)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(authority);
        _client = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } })
        {
            BaseAddress = server,
            Timeout = TimeSpan.FromSeconds(30),
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
    }

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    /// <summary>Creates an object.</summary>
    public Task<ApiAnswer> PostAsync(string path, JsonNode body) => SendAsync(HttpMethod.Post, path, body);

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    /// <summary>Changes some members of an object.</summary>
    public Task<ApiAnswer> MergeAsync(string path, JsonNode body) =>
        SendAsync(HttpMethod.Patch, path, body, "application/merge-patch+json");

    /// <summary>Server-side apply.</summary>
    public Task<ApiAnswer> ApplyAsync(string path, string manager, JsonNode body) =>
        SendAsync(HttpMethod.Patch, $"{path}?fieldManager={manager}&force=true", body, "application/apply-patch+yaml");

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
