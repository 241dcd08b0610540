using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Reads the members of one JSON object. JSON null counts as absent.</summary>
internal sealed class ObjectReader
{
    private readonly Dictionary<string, JsonElement> _members = [];
    private readonly JsonPath _path;
    private readonly ConfigErrors _faults;

    private ObjectReader(JsonElement element, JsonPath path, ConfigErrors faults)
    {
        _path = path;
        _faults = faults;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            _members[JsonShown.NameOf(property)] = property.Value;
        }
    }

    public JsonPath Path => _path;

    /// <summary>The member names, in document order.</summary>
    public IEnumerable<string> Names => _members.Keys;

    /// <summary>Opens the top-level object; null with an error if it is not an object.</summary>
    public static ObjectReader? Open(JsonElement config, ConfigErrors faults)
    {
        if (config.ValueKind == JsonValueKind.Object)
        {
            return new ObjectReader(config, JsonPath.Root, faults);
        }

        faults.WrongKind("network configuration", config, "object");
        return null;
    }

    public JsonPath PathOf(string key) => _path.Member(key);

    /// <summary>A value of any type, or null if it is absent.</summary>
    public JsonElement? Value(string key) =>
        _members.TryGetValue(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>An object, or null if it is absent or (with an error) of another type.</summary>
    public ObjectReader? Object(string key)
    {
        if (Value(key) is not JsonElement value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Object)
        {
            return new ObjectReader(value, PathOf(key), _faults);
        }

        _faults.WrongKind(PathOf(key), value, "object");
        return null;
    }

    /// <summary>The entries of a list, or null if it is absent or (with an error) of another type or too long.</summary>
    public JsonElement.ArrayEnumerator? List(string key, Bound bound, out int length)
    {
        length = 0;
        if (Value(key) is not JsonElement value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Array)
        {
            length = value.GetArrayLength();
            return _faults.IsWithin(bound, length, PathOf(key)) ? value.EnumerateArray() : null;
        }

        _faults.WrongKind(PathOf(key), value, "array");
        return null;
    }

    /// <summary>A string, or null if it is absent or (with an error) of another type.</summary>
    public string? Text(string key)
    {
        if (Value(key) is not JsonElement value)
        {
            return null;
        }

        string? text = JsonText.Of(value);
        if (text is null)
        {
            _faults.WrongKind(PathOf(key), value, "string");
        }

        return text;
    }

    /// <summary>As <see cref="Text"/>, for settings with a default: an empty string counts as absent.</summary>
    public string? Setting(string key) => Text(key) is { Length: > 0 } text ? text : null;
}

/// <summary>Parses integers, which may be quoted.</summary>
internal static class NumberReader
{
    /// <summary>The number, or null if it is absent, empty or (with an error) invalid.</summary>
    public static int? Read(ObjectReader reader, string key, int least, int most, ConfigErrors faults)
    {
        if (reader.Value(key) is not JsonElement value)
        {
            return null;
        }

        JsonPath path = reader.PathOf(key);
        if (value.ValueKind != JsonValueKind.Number && JsonText.Of(value) is null)
        {
            faults.WrongKind(path, value, "number");
            return null;
        }

        string text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : JsonText.Of(value)!;
        if (text.Length == 0)
        {
            return null;
        }

        if (!TryParse(text, out int number))
        {
            faults.Fault(path, text, "is not a whole number");
        }
        else if (number < least || number > most)
        {
            faults.Fault(path, text, $"is outside {least}-{most}");
        }
        else
        {
            return number;
        }

        return null;
    }

    /// <summary>Parses ASCII digits only; a number too large for an int becomes <see cref="int.MaxValue"/>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out int number)
    {
        long sum = 0;
        foreach (char digit in text)
        {
            if (!char.IsAsciiDigit(digit))
            {
                number = 0;
                return false;
            }

            sum = Math.Min((sum * 10) + (digit - '0'), int.MaxValue);
        }

        number = (int)sum;
        return !text.IsEmpty;
    }
}

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
