using System.Globalization;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>RFC 6902.</summary>
internal static class JsonPatch
{
    /// <exception cref="ApiError">It is no patch (400), or cannot be applied (422).</exception>
    public static JsonObject Apply(JsonObject value, JsonNode patch)
    {
        JsonNode? root = value.DeepClone();
        foreach (JsonNode? operation in patch as JsonArray ?? throw ApiError.BadRequest("a JSON patch is a list"))
        {
            root = Apply(root, operation as JsonObject ?? throw ApiError.Unprocessable("an operation is an object"));
        }

        return root as JsonObject ?? throw ApiError.Unprocessable("the patch leaves no object");
    }

    private static JsonNode? Apply(JsonNode? root, JsonObject operation)
    {
        string[] path = Pointer(operation, "path");
        switch (operation.Text("op"))
        {
            case "add":
                return Add(root, path, operation["value"]?.DeepClone());
            case "remove":
                return Remove(root, path).Root;
            case "replace":
                return path.Length == 0 ? operation["value"]?.DeepClone() : Replace(root, path, operation["value"]?.DeepClone());
            case "move":
                (JsonNode? rest, JsonNode? moved) = Remove(root, Pointer(operation, "from"));
                return Add(rest, path, moved?.DeepClone());
            case "copy":
                return Add(root, path, Get(root, Pointer(operation, "from"))?.DeepClone());
            case "test":
                return JsonNode.DeepEquals(Get(root, path), operation["value"])
                    ? root
                    : throw ApiError.Unprocessable($"testing value {operation.Text("path")} failed: test failed");
            default:
                throw ApiError.Unprocessable($"Unexpected kind: {operation.Text("op")}");
        }
    }

    private static string[] Pointer(JsonObject operation, string key)
    {
        string text = operation.Text(key) ?? throw ApiError.Unprocessable($"an operation has no {key}");
        return text.Length == 0 ? [] : text[0] == '/'
            ? [.. text[1..].Split('/').Select(part => part.Replace("~1", "/", StringComparison.Ordinal)
                .Replace("~0", "~", StringComparison.Ordinal))]
            : throw ApiError.Unprocessable($"{text} is no JSON pointer");
    }

    private static JsonNode? Get(JsonNode? root, string[] path)
    {
        foreach (string part in path)
        {
            root = root switch
            {
                JsonObject map when map.ContainsKey(part) => map[part],
                JsonArray list => list[Index(list, part, list.Count - 1)],
                _ => throw Missing(path),
            };
        }

        return root;
    }

    private static JsonNode? Add(JsonNode? root, string[] path, JsonNode? value)
    {
        if (path.Length == 0)
        {
            return value;
        }

        switch (Get(root, path[..^1]))
        {
            case JsonObject map:
                map[path[^1]] = value;
                break;
            case JsonArray list:
                list.Insert(path[^1] == "-" ? list.Count : Index(list, path[^1], list.Count), value);
                break;
            default:
                throw Missing(path);
        }

        return root;
    }

    private static JsonNode? Replace(JsonNode? root, string[] path, JsonNode? value)
    {
        Get(root, path);
        switch (Get(root, path[..^1]))
        {
            case JsonObject map:
                map[path[^1]] = value;
                break;
            case JsonArray list:
                list[Index(list, path[^1], list.Count - 1)] = value;
                break;
        }

        return root;
    }

    private static (JsonNode? Root, JsonNode? Removed) Remove(JsonNode? root, string[] path)
    {
        JsonNode? removed = Get(root, path);
        switch (path.Length == 0 ? null : Get(root, path[..^1]))
        {
            case JsonObject map:
                map.Remove(path[^1]);
                break;
            case JsonArray list:
                list.RemoveAt(Index(list, path[^1], list.Count - 1));
                break;
            default:
                throw Missing(path);
        }

        return (root, removed);
    }

    private static int Index(JsonArray list, string part, int last) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index <= last && index <= list.Count
            ? index
            : throw ApiError.Unprocessable($"Unable to access invalid index: {part}");

    private static ApiError Missing(string[] path) => ApiError.Unprocessable($"doc is missing path: /{string.Join('/', path)}");
}
