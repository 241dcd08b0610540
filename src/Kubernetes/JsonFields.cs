using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kubernetes;

/// <summary>Reads and writes the JSON of the API.</summary>
internal static class JsonFields
{
    /// <summary>A member that is an object; null if there is none.</summary>
    public static JsonElement? Object(this JsonElement source, string name) => source.Member(name, JsonValueKind.Object);

    /// <summary>A member that is a string; null if there is none.</summary>
    public static string? Text(this JsonElement source, string name) => source.Member(name, JsonValueKind.String)?.GetString();

    /// <summary>A member that is a whole number; null if there is none.</summary>
    public static int? Number(this JsonElement source, string name) =>
        source.Member(name, JsonValueKind.Number) is JsonElement number && number.TryGetInt32(out int value) ? value : null;

    /// <summary>Whether a member is <c>true</c>.</summary>
    public static bool IsTrue(this JsonElement source, string name) => source.Member(name, JsonValueKind.True) is not null;

    /// <summary>The items of a member that is a list; none if there is no such member.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement source, string name) =>
        source.Member(name, JsonValueKind.Array) is JsonElement list ? list.EnumerateArray() : [];

    public static byte[] ToUtf8(this JsonNode source)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            source.WriteTo(writer);
        }

        return stream.ToArray();
    }

    private static JsonElement? Member(this JsonElement source, string name, JsonValueKind kind) =>
        source.ValueKind == JsonValueKind.Object && source.TryGetProperty(name, out JsonElement member) && member.ValueKind == kind
            ? member
            : null;
}
