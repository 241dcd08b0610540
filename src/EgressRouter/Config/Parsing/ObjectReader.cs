using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>One object of the configuration, read key by key. JSON null counts as absent.</summary>
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

    /// <summary>The path of the object itself.</summary>
    public JsonPath Path => _path;

    /// <summary>The names of the members, in the document's order.</summary>
    public IEnumerable<string> Names => _members.Keys;

    /// <summary>Opens the object at the top; null, and a fault, when there is another thing.</summary>
    public static ObjectReader? Open(JsonElement config, ConfigErrors faults)
    {
        if (config.ValueKind == JsonValueKind.Object)
        {
            return new ObjectReader(config, JsonPath.Root, faults);
        }

        faults.WrongKind("network configuration", config, "object");
        return null;
    }

    /// <summary>The path of a member.</summary>
    public JsonPath PathOf(string key) => _path.Member(key);

    /// <summary>A value of any kind; null when it is absent.</summary>
    public JsonElement? Value(string key) =>
        _members.TryGetValue(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>An object; null when it is absent or, with a fault, another thing.</summary>
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

    /// <summary>The elements of a list; null when it is absent or, with a fault, another thing or longer than its bound.</summary>
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

    /// <summary>A text; null when it is absent or, with a fault, another thing.</summary>
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

    /// <summary>As <see cref="Text"/>, for settings with a default, where an empty text stands for it.</summary>
    public string? Setting(string key) => Text(key) is { Length: > 0 } text ? text : null;
}

/// <summary>Reads whole numbers, which may stand in quotes.</summary>
internal static class NumberReader
{
    /// <summary>The number; null when it is absent, empty or, with a fault, something else.</summary>
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

    /// <summary>Reads ASCII digits and nothing else; a number that is too large for an int is <see cref="int.MaxValue"/>.</summary>
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
