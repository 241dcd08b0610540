using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parts of a JSON document as error messages show them.</summary>
internal static class JsonShown
{
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
        JsonValueKind.String => JsonText.Of(element),
        JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Undefined => null,
        _ => element.GetRawText(),
    };

    /// <summary>The kind of a value, in words.</summary>
    public static string KindOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => JsonText.Of(element) is null ? "invalid Unicode" : "string",
        JsonValueKind.Number => "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Undefined => "nothing",
        _ => "null",
    };
}
