using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ApiServer;

/// <summary>A <see cref="RealApiServer"/>, and in front of it a server that answers wrongly when told to, and can go away.</summary>
public sealed class ProxiedApiServer : FaultyServer
{
    private readonly Kinds _kinds = new();

    private readonly HttpClient _client;

    private readonly ApiUser _admin;

    private ProxiedApiServer(RealApiServer real, bool hasOldSlices)
        : base(port: 0)
    {
        (Real, _client) = (real, real.NewClient(hasOldSlices));
        _admin = new ApiUser(real.NewClient(hasOldSlices), RealApiServer.AdminToken);
    }

    /// <summary>The server behind it.</summary>
    public RealApiServer Real { get; }

    /// <summary>Starts both, and waits until they are ready.</summary>
    /// <param name="assets">The folder of the executables.</param>
    public static async Task<ProxiedApiServer> Start(string assets)
    {
        RealApiServer real = await RealApiServer.StartAsync(assets);
        ApiAnswer slices = await real.Admin.GetAsync($"/apis/{OldSlices.Wanted}");
        var server = new ProxiedApiServer(real, hasOldSlices: slices.Status == 404);
        await server.Return();
        return server;
    }

    /// <summary>Writes a kubeconfig for this server with the identity of a service account, which must exist.</summary>
    public async Task WriteKubeconfig(string path, string accountNamespace, string name) => await File.WriteAllTextAsync(
        path, Kubeconfig(Url, $"token: {await Real.TokenForAsync(accountNamespace, name)}"));

    /// <inheritdoc/>
    public override JsonObject Apply(JsonObject value)
    {
        Kind kind = _kinds.Of(value);
        string space = value.Text("metadata", "namespace") ?? "default";
        return (JsonObject)Of(RealApiServer.ApplyAsync(_admin, PathOf(kind, space), value, kind.HasStatus));
    }

    /// <inheritdoc/>
    public override JsonObject? Get(string resource, string name, string? space = null)
    {
        ApiAnswer answer = Of(_admin.GetAsync($"{PathOf(_kinds.Named(resource), space ?? "default")}/{name}"));
        return answer.Status == 404 ? null : (JsonObject)Must(answer).Body;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<JsonObject> All(string resource, string? space = null) =>
        [.. Must(Of(_admin.GetAsync(PathOf(_kinds.Named(resource), space)))).Body["items"]!.AsArray().Select(one => one!.AsObject())];

    /// <inheritdoc/>
    public override void Delete(string resource, string name, string? space = null) =>
        Must(Of(_admin.DeleteAsync($"{PathOf(_kinds.Named(resource), space ?? "default")}/{name}?gracePeriodSeconds=0")));

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _admin.Dispose();
        _client.Dispose();
        await Real.DisposeAsync();
    }

    private protected override async Task Answer(HttpContext http, ApiRequest request, Fault? fault)
    {
        using var asked = new HttpRequestMessage(
            new HttpMethod(http.Request.Method), http.Request.Path + http.Request.QueryString);
        asked.Headers.TryAddWithoutValidation("Authorization", request.Authorization);
        asked.Headers.TryAddWithoutValidation("Accept", request.Accept);
        asked.Headers.TryAddWithoutValidation("User-Agent", request.UserAgent);
        if (request.Body.Length > 0)
        {
            asked.Content = new StringContent(request.Body, Encoding.UTF8, new MediaTypeHeaderValue(request.ContentType));
        }

        using HttpResponseMessage answer =
            await _client.SendAsync(asked, HttpCompletionOption.ResponseHeadersRead, http.RequestAborted);
        request.Status = http.Response.StatusCode = (int)answer.StatusCode;
        http.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        await answer.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
    }

    private static string PathOf(Kind kind, string? space) =>
        (kind.Group.Length == 0 ? "/api" : $"/apis/{kind.Group}") + $"/{kind.Version}"
        + (kind.IsNamespaced && space is not null ? $"/namespaces/{space}" : "") + $"/{kind.Plural}";

    private static ApiAnswer Must(ApiAnswer answer) =>
        answer.Status is 200 or 202 ? answer : throw new InvalidOperationException(answer.ToString());

    private static T Of<T>(Task<T> request) => request.GetAwaiter().GetResult();
}
