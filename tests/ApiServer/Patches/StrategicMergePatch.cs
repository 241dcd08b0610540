using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>
/// Strategic merge patch, for kinds of Kubernetes itself. Not done: <c>$retainKeys</c> and the order of <c>$setElementOrder</c>.
/// </summary>
internal static class StrategicMergePatch
{
    /// <summary>Lists whose key here is not the one of server-side apply, by name or by the name of what they are in.</summary>
    private static readonly Dictionary<string, string> _keys = new()
    {
        ["spec.ports"] = "port",
        ["containers.ports"] = "containerPort",
    };

    public static JsonObject Apply(JsonObject value, JsonNode patch) => Merge(
        value, patch as JsonObject ?? throw ApiError.BadRequest("a strategic merge patch is an object"), FieldType.BuiltIn, "");

    private static JsonObject Merge(JsonObject value, JsonObject patch, FieldType type, string parent)
    {
        if (patch.Text("$patch") is string directive)
        {
            JsonObject rest = patch.Copy();
            rest.Remove("$patch");
            return directive == "replace" ? rest : directive == "delete" ? [] : throw Unknown("$patch", directive);
        }

        JsonObject merged = value.Copy();
        foreach ((string key, JsonNode? member) in patch)
        {
            if (key.StartsWith("$deleteFromPrimitiveList/", StringComparison.Ordinal))
            {
                string list = key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..];
                merged[list] = new JsonArray([.. ((merged[list] as JsonArray) ?? [])
                    .Where(item => !((JsonArray)member!).Any(gone => JsonNode.DeepEquals(gone, item))).Select(item => item?.DeepClone())]);
            }
            else if (member is null)
            {
                merged.Remove(key);
            }
            else if (!key.StartsWith('$'))
            {
                FieldType field = type.Field(key);
                merged[key] = member switch
                {
                    JsonObject map => Merge(merged[key] as JsonObject ?? [], map, field, key),
                    JsonArray list when merged[key] is JsonArray items => MergeList(items, list, field, $"{parent}.{key}"),
                    JsonArray list => MergeList([], list, field, $"{parent}.{key}"),
                    _ => member.DeepClone(),
                };
            }
            else if (!key.StartsWith("$setElementOrder/", StringComparison.Ordinal) && key != "$retainKeys")
            {
                throw Unknown(key, "");
            }
        }

        return merged;
    }

    private static JsonArray MergeList(JsonArray items, JsonArray patch, FieldType type, string path)
    {
        string name = path[(path.IndexOf('.', StringComparison.Ordinal) + 1)..];
        string? key = _keys.GetValueOrDefault(path) ?? (type.List == ListType.Map ? type.Keys[0] : null);
        if (type.List == ListType.Set)
        {
            return [.. items.Concat(patch).Select(item => item?.DeepClone()).DistinctBy(item => item.String())];
        }

        if (key is null)
        {
            return (JsonArray)patch.DeepClone();
        }

        List<JsonObject> merged = [.. items.OfType<JsonObject>().Select(item => item.Copy())];
        foreach (JsonObject item in patch.OfType<JsonObject>())
        {
            if (item.Text("$patch") == "replace")
            {
                merged.Clear();
                continue;
            }

            int at = merged.FindIndex(one => JsonNode.DeepEquals(one[key], item[key]));
            if (item.Text("$patch") == "delete")
            {
                merged.RemoveRange(Math.Max(at, 0), at < 0 ? 0 : 1);
            }
            else if (at < 0)
            {
                merged.Add(Merge([], item, type.Items, name));
            }
            else
            {
                merged[at] = Merge(merged[at], item, type.Items, name);
            }
        }

        return [.. merged];
    }

    private static ApiError Unknown(string directive, string value) =>
        new(415, "UnsupportedMediaType", $"this server does not know the directive {directive} {value}");
}
