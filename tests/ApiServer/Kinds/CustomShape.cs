using System.Text.Json;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>What the schema of a custom kind does to an object before it is checked.</summary>
internal static class CustomShape
{
    /// <summary>
    /// Removes fields that the schema does not have, and nulls that it does not allow. <c>metadata</c> is not the schema's.
    /// </summary>
    public static void Prune(JsonNode? value, JsonObject schema, bool isRoot = true)
    {
        if (value is JsonArray list && schema["items"] is JsonObject items)
        {
            foreach (JsonNode? item in list)
            {
                Prune(item, items, false);
            }
        }
        else if (value is JsonObject map)
        {
            bool isObject = isRoot || IsTrue(schema, "x-kubernetes-embedded-resource");
            foreach ((string key, JsonNode? member) in map.ToArray())
            {
                if (isObject && key is "apiVersion" or "kind" or "metadata")
                {
                }
                else if (SchemaOf(schema, key) is JsonObject known)
                {
                    if (member is null && !IsTrue(known, "nullable"))
                    {
                        map.Remove(key);
                    }

                    Prune(member, known, false);
                }
                else if (!IsTrue(schema, "x-kubernetes-preserve-unknown-fields") && !IsTrue(schema, "additionalProperties"))
                {
                    map.Remove(key);
                }
            }
        }
    }

    /// <summary>As <see cref="Prune"/>, but server-side apply refuses the fields that other writes only lose.</summary>
    /// <exception cref="ApiError">The object has a field that the schema does not have.</exception>
    public static void PruneApplied(JsonObject applied, JsonObject schema)
    {
        JsonNode sent = applied.DeepClone();
        Prune(applied, schema);
        if (FirstLost(sent, applied, "") is string field)
        {
            throw new ApiError(500, "", $"failed to create typed patch object: {field}: field not declared in schema");
        }
    }

    /// <summary>Fills in the defaults.</summary>
    public static void Default(JsonNode? value, JsonObject schema)
    {
        if (value is JsonArray list && schema["items"] is JsonObject items)
        {
            foreach (JsonNode? item in list)
            {
                Default(item, items);
            }
        }
        else if (value is JsonObject map)
        {
            foreach ((string key, JsonNode? known) in schema["properties"] as JsonObject ?? [])
            {
                if (!map.ContainsKey(key) && known.At("default") is JsonNode made)
                {
                    map[key] = made.DeepClone();
                }
            }

            foreach ((string key, JsonNode? member) in map)
            {
                if (SchemaOf(schema, key) is JsonObject known)
                {
                    Default(member, known);
                }
            }
        }
    }

    /// <summary>The path of a field that pruning has removed; null if there is none. What is null was not sent.</summary>
    private static string? FirstLost(JsonNode? before, JsonNode? after, string path) => (before, after) switch
    {
        (JsonObject map, JsonObject left) => map.Where(member => member.Value is not null)
            .Select(member => left.ContainsKey(member.Key)
                ? FirstLost(member.Value, left[member.Key], $"{path}.{member.Key}") : $"{path}.{member.Key}")
            .FirstOrDefault(lost => lost is not null),
        (JsonArray list, JsonArray left) => list.Zip(left, (one, other) => FirstLost(one, other, path))
            .FirstOrDefault(lost => lost is not null),
        _ => null,
    };

    /// <summary>The schema of a member; null if it has none.</summary>
    public static JsonObject? SchemaOf(JsonObject schema, string key) =>
        (schema.At("properties", key) ?? schema["additionalProperties"]) as JsonObject;

    public static bool IsTrue(JsonNode? schema, string key) => schema.At(key)?.GetValueKind() == JsonValueKind.True;
}
