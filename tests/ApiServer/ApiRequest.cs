using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ApiServer;

/// <summary>A request to the API, and how it was answered.</summary>
public sealed class ApiRequest
{
    private ApiRequest(HttpRequest http, string body)
    {
        Path = http.Path.Value ?? "";
        Query = http.Query.ToDictionary(entry => entry.Key, entry => entry.Value.ToString(), StringComparer.Ordinal);
        UserAgent = http.Headers.UserAgent.ToString();
        ContentType = http.ContentType?.Split(';')[0].Trim() ?? "";
        Accept = http.Headers.Accept.ToString();
        Authorization = http.Headers.Authorization.ToString();
        Body = body;
        ReadPath();
        IsWatch = Name is null && Query.GetValueOrDefault("watch") is "true" or "1";
        Verb = http.Method switch
        {
            "GET" => IsWatch ? "watch" : Name is null ? "list" : "get",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => ContentType == "application/apply-patch+yaml" ? "apply" : "patch",
            "DELETE" => Name is null ? "deletecollection" : "delete",
            _ => http.Method,
        };
    }

    /// <summary>One of list, watch, get, create, update, patch, apply, delete.</summary>
    public string Verb { get; }

    /// <summary>The path of the URL.</summary>
    public string Path { get; }

    /// <summary>The API group; empty for core.</summary>
    public string Group { get; private set; } = "";

    /// <summary>The plural name of the kind, for example <c>egressips</c>; empty for discovery, health and the version.</summary>
    public string Resource { get; private set; } = "";

    /// <summary>Null for cluster-scoped kinds, and for all namespaces.</summary>
    public string? Namespace { get; private set; }

    /// <summary>Null for lists, watches and POST.</summary>
    public string? Name { get; private set; }

    /// <summary><c>status</c>, or null.</summary>
    public string? Subresource { get; private set; }

    /// <summary>The parameters of the URL.</summary>
    public IReadOnlyDictionary<string, string> Query { get; }

    /// <summary>The header User-Agent.</summary>
    public string UserAgent { get; }

    /// <summary>The body; empty if there is none.</summary>
    public string Body { get; }

    /// <summary>When it came.</summary>
    public DateTimeOffset Time { get; } = DateTimeOffset.UtcNow;

    /// <summary>The status code of the answer; null: not answered yet, or not answered because of a fault.</summary>
    public int? Status { get; internal set; }

    /// <summary>Whether it changes something.</summary>
    public bool IsWrite => Verb is "create" or "update" or "patch" or "apply" or "delete";

    internal string Version { get; private set; } = "";

    internal string ContentType { get; }

    internal string Accept { get; }

    internal string Authorization { get; }

    internal bool IsWatch { get; }

    /// <summary>The field manager: what the client says, or the first part of its user agent.</summary>
    internal string Manager => Query.GetValueOrDefault("fieldManager") is { Length: > 0 } name ? name : UserAgent.Split('/')[0] switch
    {
        "" => "unknown",
        string agent => agent[..Math.Min(agent.Length, 128)],
    };

    /// <summary>For messages of failed assertions.</summary>
    public override string ToString() =>
        $"{Verb} {Resource}{(Subresource is null ? "" : "/" + Subresource)} {Namespace}{(Namespace is null ? "" : "/")}{Name} -> {Status}";

    internal static async Task<ApiRequest> Read(HttpRequest http)
    {
        using var reader = new StreamReader(http.Body);
        return new ApiRequest(http, await reader.ReadToEndAsync());
    }

    internal JsonNode Json() => ApiServer.Json.Parse(Body);

    internal JsonObject JsonObject() => ApiServer.Json.ParseObject(Body);

    private void ReadPath()
    {
        string[] parts = Path.Trim('/').Split('/');
        string[] rest;
        switch (parts)
        {
            case ["api", string version, .. string[] after]:
                (Version, rest) = (version, after);
                break;
            case ["apis", string group, string version, .. string[] after]:
                (Group, Version, rest) = (group, version, after);
                break;
            default:
                return;
        }

        if (rest is ["namespaces", string space, string resource, ..] && resource is not ("status" or "finalize"))
        {
            (Namespace, rest) = (space, rest[2..]);
        }

        Resource = rest.ElementAtOrDefault(0) ?? "";
        Name = rest.ElementAtOrDefault(1);
        Subresource = rest.ElementAtOrDefault(2);
    }
}
