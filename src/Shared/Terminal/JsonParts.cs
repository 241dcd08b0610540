using System.Text.Json;

namespace Terminal;

/// <summary>Writes parts of JSON objects.</summary>
internal static class JsonParts
{
    public static void Strings<T>(this Utf8JsonWriter json, string name, IEnumerable<T> items)
    {
        json.WriteStartArray(name);
        foreach (T item in items)
        {
            json.WriteStringValue(item?.ToString());
        }

        json.WriteEndArray();
    }

    public static void Objects<T>(this Utf8JsonWriter json, string name, IEnumerable<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (T item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static void Members(this Utf8JsonWriter json, params ReadOnlySpan<(string Key, string Value)> members)
    {
        foreach ((string key, string value) in members)
        {
            json.WriteString(key, value);
        }
    }
}
