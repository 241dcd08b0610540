using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>
/// Text of JSON documents. The parser takes what is no text at all (half a surrogate pair, bytes that are not UTF-8) and
/// throws only when it is read.
/// </summary>
internal static class JsonText
{
    /// <summary>The value of a string; null for another kind and for what is no text.</summary>
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

    /// <summary>The name of a member; a replacement that is no known key for what is no text.</summary>
    public static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return "(invalid Unicode)";
        }
    }

    /// <summary>What to show of a value in an error: a string's text, a number's digits; null for a list or an object.</summary>
    public static string? Show(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => Of(element),
        JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Undefined => null,
        _ => element.GetRawText(),
    };

    /// <summary>The kind of a value, in words.</summary>
    public static string KindOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => Of(element) is null ? "invalid Unicode" : "text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Undefined => "nothing",
        _ => "null",
    };
}
