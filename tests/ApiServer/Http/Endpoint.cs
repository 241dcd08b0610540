using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ApiServer;

/// <summary>Answers one request after the other: records it, lets faults happen, and finds who answers.</summary>
internal sealed class Endpoint(Cluster cluster, Knobs knobs)
{
    private readonly Reads _reads = new(cluster);

    private readonly Writes _writes = new(cluster);

    private readonly Discovery _discovery = new(cluster);

    public async Task Handle(HttpContext http)
    {
        ApiRequest request = await ApiRequest.Read(http.Request);
        knobs.Record(request);
        Fault? fault = knobs.FaultFor(request);
        switch (fault?.Kind)
        {
            case FaultKind.Silence:
                await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(
                    _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                return;
            case FaultKind.CutBefore:
                http.Abort();
                return;
            case FaultKind.Delay:
                await Task.Delay(fault.Time!.Value, http.RequestAborted);
                break;
        }

        Stream body = http.Response.Body;
        using var late = new MemoryStream();
        if (fault?.Kind is FaultKind.CutAfter or FaultKind.LateAnswer)
        {
            // No part of the answer may reach the client before its time.
            http.Response.Body = late;
        }

        try
        {
            if (fault?.Kind == FaultKind.Answer)
            {
                throw ApiError.Fault(fault.Code, fault.Time);
            }

            await Answer(http, request, fault);
        }
        catch (ApiError error)
        {
            await WriteError(http, request, error);
        }
        catch (Exception mistake) when (mistake is not (OperationCanceledException or IOException) && !http.Response.HasStarted)
        {
            // A mistake of this server, or a body with a type that it does not expect.
            await WriteError(http, request, new ApiError(500, "InternalError", mistake.ToString()));
        }

        if (fault?.Kind == FaultKind.CutAfter)
        {
            request.Status = null;
            http.Response.Body = body;
            http.Abort();
        }
        else if (fault?.Kind == FaultKind.LateAnswer)
        {
            await Task.Delay(fault.Time!.Value, http.RequestAborted);
            http.Response.Body = body;
            await body.WriteAsync(late.ToArray(), http.RequestAborted);
        }
    }

    private async Task Answer(HttpContext http, ApiRequest request, Fault? fault)
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
        await Write(http, request, code, body);
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
                    await Write(http, request, 200, found.Bytes());
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

    private static async Task WriteError(HttpContext http, ApiRequest request, ApiError error)
    {
        JsonObject status = error.ToStatus();
        if (status.At("details", "retryAfterSeconds") is JsonNode seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString();
        }

        await Write(http, request, error.Code, status.Bytes());
    }

    private static async Task Write(HttpContext http, ApiRequest request, int code, byte[] body)
    {
        request.Status = http.Response.StatusCode = code;
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-cache, private";
        http.Response.Headers.ContentLength = body.Length;
        http.Response.Headers["Audit-Id"] = Guid.NewGuid().ToString("D", CultureInfo.InvariantCulture);
        await http.Response.Body.WriteAsync(body);
    }
}
