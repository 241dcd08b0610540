using System.Text.Json;

namespace Cni;

/// <summary>
/// Reads strings of JSON documents. The parser accepts lone surrogates and invalid UTF-8, and throws only when such a string is
/// read.
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

    /// <summary>Like <see cref="Of"/>, for a member; also null if the parent is not an object or lacks the member.</summary>
    public static string? OfMember(JsonElement parent, string key) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(key, out JsonElement value) ? Of(value) : null;
}
