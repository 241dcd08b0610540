using System.Globalization;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>POST, PUT, PATCH and DELETE.</summary>
internal sealed class Writes(Cluster cluster)
{
    public (int Code, byte[] Body) Do(ApiRequest request, Kind kind, Representation representation)
    {
        var options = new WriteOptions(request.Manager, request.Query.GetValueOrDefault("dryRun") == "All", request.Subresource);
        Written written;
        switch (request.Verb)
        {
            case "create":
                CheckContentType(request, "application/json", "application/yaml");
                written = cluster.Writer.Create(kind, request.Namespace, request.JsonObject(), options);
                break;
            case "update":
                CheckContentType(request, "application/json", "application/yaml");
                written = cluster.Writer.Update(kind, request.Namespace, request.Name!, request.JsonObject(), options);
                break;
            case "patch":
                JsonNode patch = request.Json();
                Func<JsonObject, JsonNode, JsonObject> apply = PatchOf(request, kind);
                written = cluster.Writer.Patch(kind, request.Namespace, request.Name!, value => apply(value, patch), options);
                break;
            case "apply":
                written = Apply(request, kind, options);
                break;
            case "delete":
                return (200, Delete(request, kind, options));
            default:
                throw new ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
        }

        return (written.IsNew ? 201 : 200, representation.One(written.Value));
    }

    private Written Apply(ApiRequest request, Kind kind, WriteOptions options)
    {
        if (string.IsNullOrEmpty(request.Query.GetValueOrDefault("fieldManager")))
        {
            throw ApiError.Invalid(
                "meta.k8s.io", "PatchOptions", "", Cause.Required("fieldManager", "is required for apply patch"));
        }

        bool isForced = request.Query.GetValueOrDefault("force") is "true" or "1";
        return cluster.Writer.Apply(kind, request.Namespace, request.Name!, request.JsonObject(), isForced, options);
    }

    private static Func<JsonObject, JsonNode, JsonObject> PatchOf(ApiRequest request, Kind kind)
    {
        if (request.Query.ContainsKey("force"))
        {
            throw ApiError.Invalid(
                "meta.k8s.io", "PatchOptions", "", Cause.Forbidden("force", "may not be specified for non-apply patch"));
        }

        switch (request.ContentType)
        {
            case "application/json-patch+json":
                return JsonPatch.Apply;
            case "application/merge-patch+json":
                return MergePatch.Apply;
            case "application/strategic-merge-patch+json" when !kind.IsCustom:
                return StrategicMergePatch.Apply;
            default:
                CheckContentType(
                    request, ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"]);
                throw new InvalidOperationException("a content type is accepted that no patch has");
        }
    }

    private static void CheckContentType(ApiRequest request, params ReadOnlySpan<string> accepted)
    {
        if (request.ContentType.Length == 0 && accepted.Contains("application/json"))
        {
            return;
        }

        if (!accepted.Contains(request.ContentType))
        {
            string list = string.Join(", ", accepted.ToArray());
            throw new ApiError(
                415, "UnsupportedMediaType",
                $"the body of the request was in an unknown format - accepted media types include: {list}");
        }
    }

    private byte[] Delete(ApiRequest request, Kind kind, WriteOptions write)
    {
        JsonObject options = request.Body.Length > 0 ? request.JsonObject() : [];
        string? policy = options.Text("propagationPolicy") ?? request.Query.GetValueOrDefault("propagationPolicy")
            ?? (options["orphanDependents"].String() == "true" ? "Orphan" : null);
        string? grace = options["gracePeriodSeconds"]?.ToString() ?? request.Query.GetValueOrDefault("gracePeriodSeconds");
        bool isDryRun = write.IsDryRun || options.Texts("dryRun").Contains("All");
        lock (cluster.Store.Gate)
        {
            string key = kind.KeyOf(request.Namespace, request.Name!);
            Stored old = cluster.Store.Find(kind.Storage, key) ?? throw ApiError.NotFound(kind, request.Name!);
            CheckPreconditions(kind, old, options);
            string? finalizer = policy switch
            {
                "Orphan" => Collector.Orphan,
                "Foreground" => Collector.Foreground,
                _ => null,
            };
            Stored? left = isDryRun
                ? null
                : cluster.Collector.Delete(kind.Storage, key, old, finalizer, kind == BuiltInKinds.Pod ? GraceOf(old, grace) : 0);
            // Of a pod that is gone, the answer is its last state.
            return left is null && kind != BuiltInKinds.Pod ? Success(kind, old).Bytes() : kind.ReadJson(left ?? old);
        }
    }

    /// <summary>A pod that a kubelet runs has time to end: it stays until it is deleted with no grace.</summary>
    private static int GraceOf(Stored pod, string? asked)
    {
        bool runs = pod.Value.Text("spec", "nodeName") is { Length: > 0 }
            && pod.Value.Text("status", "phase") is not ("Succeeded" or "Failed");
        string grace = asked ?? pod.Value.At("spec", "terminationGracePeriodSeconds")?.ToString() ?? "30";
        return runs ? int.Parse(grace, CultureInfo.InvariantCulture) : 0;
    }

    private static void CheckPreconditions(Kind kind, Stored old, JsonObject options)
    {
        if (options.Text("preconditions", "uid") is string uid && uid != old.Uid)
        {
            throw ApiError.PreconditionFailed(
                kind, old.Name, $"UID in precondition: {uid}, UID in object meta: {old.Uid}");
        }

        if (options.Text("preconditions", "resourceVersion") is string revision && revision != old.Revision)
        {
            throw ApiError.PreconditionFailed(
                kind, old.Name, $"ResourceVersion in precondition: {revision}, ResourceVersion in object meta: {old.Revision}");
        }
    }

    private static JsonObject Success(Kind kind, Stored old)
    {
        var details = new JsonObject { ["name"] = old.Name };
        details.SetOrRemove("group", kind.Group.Length > 0 ? kind.Group : null);
        details["kind"] = kind.Plural;
        details["uid"] = old.Uid;
        return new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Success",
            ["details"] = details,
        };
    }
}
