using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Reads the members of one JSON object. JSON null counts as absent.</summary>
internal sealed class ObjectReader
{
    private readonly Dictionary<string, JsonElement> _members = [];
    private readonly JsonPath _path;
    private readonly ConfigErrors _errors;

    private ObjectReader(JsonElement element, JsonPath path, ConfigErrors errors)
    {
        _path = path;
        _errors = errors;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            _members[JsonShown.NameOf(property)] = property.Value;
        }
    }

    public JsonPath Path => _path;

    /// <summary>The member names, in document order.</summary>
    public IEnumerable<string> Names => _members.Keys;

    /// <summary>Opens the top-level object; null with an error if it is not an object.</summary>
    public static ObjectReader? Open(JsonElement config, ConfigErrors errors)
    {
        if (config.ValueKind == JsonValueKind.Object)
        {
            return new ObjectReader(config, JsonPath.Root, errors);
        }

        errors.WrongKind("network configuration", config, "object");
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
            return new ObjectReader(value, PathOf(key), _errors);
        }

        _errors.WrongKind(PathOf(key), value, "object");
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
            return _errors.IsWithin(bound, length, PathOf(key)) ? value.EnumerateArray() : null;
        }

        _errors.WrongKind(PathOf(key), value, "array");
        return null;
    }

    /// <summary>A boolean; false if it is absent or (with an error) of another type.</summary>
    public bool Flag(string key)
    {
        if (Value(key) is JsonElement value && value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            _errors.WrongKind(PathOf(key), value, "boolean");
        }

        return Value(key) is { ValueKind: JsonValueKind.True };
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
            _errors.WrongKind(PathOf(key), value, "string");
        }

        return text;
    }

    /// <summary>As <see cref="Text"/>, for settings with a default: an empty string counts as absent.</summary>
    public string? Setting(string key) => Text(key) is { Length: > 0 } text ? text : null;
}
