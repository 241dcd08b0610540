using System.Text.Json;

namespace Cni;

/// <summary>
/// Strings of JSON documents. The parser accepts half a surrogate pair and bytes that are not UTF-8, and throws only when the
/// string is read.
/// </summary>
public static class JsonText
{
    /// <summary>The value of a string; null for another kind of value, and for a string that is not valid Unicode.</summary>
    public static string? Of(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>As <see cref="Of"/>, of a member; also null if the parent is not an object or has no such member.</summary>
    public static string? OfMember(JsonElement parent, string key) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(key, out JsonElement value) ? Of(value) : null;
}
