using System.Text.Json;
using EgressRouter.Config;

namespace EgressRouter.Tools;

/// <summary>The byte offsets of values in a JSON text, by their paths: the paths of <see cref="ConfigError"/>.</summary>
internal sealed class JsonOffsets
{
    /// <summary>Holds requested paths only: a text may have millions of values.</summary>
    private readonly Dictionary<JsonPath, int?> _offsets = [];

    /// <param name="json">Valid JSON.</param>
    /// <param name="paths">The paths to find.</param>
    public JsonOffsets(ReadOnlySpan<byte> json, IEnumerable<JsonPath> paths)
    {
        foreach (JsonPath asked in paths)
        {
            for (JsonPath? path = asked; path is not null && _offsets.TryAdd(path, null);)
            {
                path = path.Outer;
            }
        }

        _offsets.TryAdd(JsonPath.Root, null);
        var reader = new Utf8JsonReader(json);
        reader.Read();
        Visit(ref reader, JsonPath.Root);
    }

    /// <summary>The byte offset of a value, or of its nearest enclosing value if the text lacks it.</summary>
    public int OffsetOf(JsonPath path)
    {
        while (true)
        {
            if (_offsets.GetValueOrDefault(path) is int offset)
            {
                return offset;
            }

            path = path.Outer!;
        }
    }

    private void Visit(ref Utf8JsonReader reader, JsonPath path)
    {
        if (_offsets.TryGetValue(path, out int? known) && known is null)
        {
            _offsets[path] = (int)reader.TokenStartIndex;
        }

        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                JsonPath name = path.Member(reader.GetString()!);
                reader.Read();
                Visit(ref reader, name);
            }
        }
        else if (reader.TokenType == JsonTokenType.StartArray)
        {
            for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
            {
                Visit(ref reader, path.Item(index));
            }
        }
    }
}
