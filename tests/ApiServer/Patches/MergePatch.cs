using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>RFC 7386.</summary>
internal static class MergePatch
{
    public static JsonObject Apply(JsonObject value, JsonNode patch) =>
        (JsonObject)Merge(value, patch as JsonObject ?? throw ApiError.InvalidPatch("a merge patch is an object"))!;

    private static JsonNode? Merge(JsonNode? value, JsonNode? patch)
    {
        if (patch is not JsonObject members)
        {
            return patch?.DeepClone();
        }

        JsonObject merged = value is JsonObject map ? map.Copy() : [];
        foreach ((string key, JsonNode? member) in members)
        {
            if (member is null)
            {
                merged.Remove(key);
            }
            else
            {
                merged[key] = Merge(merged[key], member);
            }
        }

        return merged;
    }
}
