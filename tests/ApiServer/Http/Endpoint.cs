using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ApiServer;

/// <summary>Finds who answers a request.</summary>
internal sealed class Endpoint(Cluster cluster, Knobs knobs)
{
    private readonly Reads _reads = new(cluster);

    private readonly Writes _writes = new(cluster);

    private readonly Discovery _discovery = new(cluster);

    public async Task Answer(HttpContext http, ApiRequest request, Fault? fault)
    {
        if (knobs.Token is string token && request.Authorization != $"Bearer {token}")
        {
            throw ApiError.Unauthorized();
        }

        if (request.Resource.Length == 0)
        {
            await WriteDiscovery(http, request);
            return;
        }

        Kind? kind = cluster.Kinds.Find(request.Group, request.Version, request.Resource);
        if (kind is null || !IsServed(kind, request))
        {
            if (kind is { IsCustom: true } && request.Subresource is not null)
            {
                throw ApiError.NotFound(kind, request.Name!);
            }

            if (BuiltInKinds.All.Any(one => one.Group == request.Group && one.Version == request.Version))
            {
                throw new ApiError(404, "NotFound", "the server could not find the requested resource");
            }

            await WriteNotFound(http, request);
            return;
        }

        var representation = Representation.Of(request, kind);
        if (request.IsWatch)
        {
            await new Watch(http, request, kind, representation, cluster, knobs, fault).Run();
            return;
        }

        (int code, byte[] body) = request.Verb switch
        {
            "get" => (200, representation.One(_reads.Get(request, kind))),
            "list" => (200, _reads.List(request, kind, representation)),
            _ => _writes.Do(request, kind, representation),
        };
        await FaultyEndpoint.Write(http, request, code, body);
    }

    /// <summary>Whether the path has what the kind has: a namespace or none, and the subresource.</summary>
    private static bool IsServed(Kind kind, ApiRequest request)
    {
        bool hasNamespace = request.Namespace is not null;
        bool needsNamespace = request.Name is not null || request.Verb == "create";
        bool hasStatus = kind.HasStatus && request.Verb is not ("create" or "delete");
        return (kind.IsNamespaced ? hasNamespace || !needsNamespace : !hasNamespace)
            && (request.Subresource is null || (request.Subresource == "status" && hasStatus));
    }

    private async Task WriteDiscovery(HttpContext http, ApiRequest request)
    {
        switch (request.Path)
        {
            case "/healthz" or "/readyz" or "/livez":
                http.Response.ContentType = "text/plain; charset=utf-8";
                request.Status = 200;
                await http.Response.WriteAsync("ok");
                break;
            case "/openapi/v2":
                // An empty document in protobuf has no types: kubectl checks nothing before it sends.
                http.Response.ContentType = "application/octet-stream";
                request.Status = 200;
                break;
            default:
                if (_discovery.Find(request.Path) is JsonObject found)
                {
                    await FaultyEndpoint.Write(http, request, 200, found.Bytes());
                }
                else
                {
                    await WriteNotFound(http, request);
                }

                break;
        }
    }

    private static async Task WriteNotFound(HttpContext http, ApiRequest request)
    {
        request.Status = http.Response.StatusCode = 404;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync("404 page not found\n");
    }
}
