using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>Shorthand for JSON trees.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonDocumentOptions _strict = new() { AllowDuplicateProperties = false, MaxDepth = 128 };

    /// <summary>The node at a path; null if it is not there.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (string key in path)
        {
            node = (node as JsonObject)?[key];
        }

        return node;
    }

    /// <summary>The string at a path; null if there is none.</summary>
    public static string? Text(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    /// <summary>The objects in the list at a path.</summary>
    public static IEnumerable<JsonObject> Objects(this JsonNode? node, params ReadOnlySpan<string> path) =>
        (node.At(path) as JsonArray)?.OfType<JsonObject>() ?? [];

    /// <summary>The strings in the list at a path.</summary>
    public static string[] Texts(this JsonNode? node, params ReadOnlySpan<string> path) =>
        [.. ((node.At(path) as JsonArray) ?? []).Select(item => item.Text()).OfType<string>()];

    /// <summary>The object under a key, which is made if it is not there.</summary>
    public static JsonObject Child(this JsonObject parent, string key)
    {
        if (parent[key] is not JsonObject child)
        {
            parent[key] = child = [];
        }

        return child;
    }

    public static JsonObject Metadata(this JsonObject value) => value.Child("metadata");

    public static JsonObject Copy(this JsonObject value) => (JsonObject)value.DeepClone();

    /// <summary>Sets a member, or removes it if there is no value.</summary>
    public static void SetOrRemove(this JsonObject value, string key, JsonNode? member)
    {
        if (member is null)
        {
            value.Remove(key);
        }
        else
        {
            value[key] = member.DeepClone();
        }
    }

    public static string String(this JsonNode? node) => node?.ToJsonString(_options) ?? "null";

    public static byte[] Bytes(this JsonNode node) => JsonSerializer.SerializeToUtf8Bytes(node, _options);

    /// <summary>Reads JSON, or YAML if it is none.</summary>
    /// <exception cref="ApiError">It is neither.</exception>
    public static JsonNode Parse(string text)
    {
        try
        {
            return (text.AsSpan().TrimStart() is ['{' or '[', ..] ? JsonNode.Parse(text, null, _strict) : Yaml.Parse(text))
                ?? throw ApiError.BadRequest("the body is empty");
        }
        catch (JsonException fault)
        {
            throw ApiError.BadRequest($"the object provided is unrecognized: {fault.Message}");
        }
    }

    /// <summary>Reads one object.</summary>
    public static JsonObject ParseObject(string text) =>
        Parse(text) as JsonObject ?? throw ApiError.BadRequest("the body must be an object");

    public static string Now() => Time(DateTime.UtcNow);

    /// <summary>As Kubernetes writes a time.</summary>
    public static string Time(DateTime time) =>
        time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
