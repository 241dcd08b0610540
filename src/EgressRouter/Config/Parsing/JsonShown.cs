using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parts of a JSON document in the form for error messages.</summary>
internal static class JsonShown
{
    /// <summary>The member's name, or a placeholder (no known key) if the name is invalid Unicode.</summary>
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

    /// <summary>A value in the form for error messages: a string's text or a number's digits; null for a list or an object.</summary>
    public static string? Show(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => JsonText.Of(element),
        JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Undefined => null,
        _ => element.GetRawText(),
    };

    /// <summary>The name of the value's JSON type.</summary>
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
