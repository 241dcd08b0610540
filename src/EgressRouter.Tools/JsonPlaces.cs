using System.Text.Json;
using EgressRouter.Config;

namespace EgressRouter.Tools;

/// <summary>Where values of a JSON text begin, by their paths: the paths of <see cref="ConfigFault"/>.</summary>
internal sealed class JsonPlaces
{
    /// <summary>Not of all values: a text may have millions.</summary>
    private readonly Dictionary<string, int?> _offsets = [];

    /// <param name="json">Valid JSON.</param>
    /// <param name="paths">What is asked for.</param>
    public JsonPlaces(ReadOnlySpan<byte> json, IEnumerable<string> paths)
    {
        foreach (string asked in paths)
        {
            for (string path = asked; _offsets.TryAdd(path, null) && path.Length > 0;)
            {
                path = JsonPath.Outer(path);
            }
        }

        _offsets.TryAdd(JsonPath.Root, null);
        var reader = new Utf8JsonReader(json);
        reader.Read();
        Visit(ref reader, JsonPath.Root);
    }

    /// <summary>The offset in bytes; of what encloses it when there is no such thing in the text.</summary>
    public int OffsetOf(string path)
    {
        while (true)
        {
            if (_offsets.GetValueOrDefault(path) is int offset)
            {
                return offset;
            }

            path = JsonPath.Outer(path);
        }
    }

    private void Visit(ref Utf8JsonReader reader, string path)
    {
        if (_offsets.TryGetValue(path, out int? known) && known is null)
        {
            _offsets[path] = (int)reader.TokenStartIndex;
        }

        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = JsonPath.Member(path, reader.GetString()!);
                reader.Read();
                Visit(ref reader, name);
            }
        }
        else if (reader.TokenType == JsonTokenType.StartArray)
        {
            for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
            {
                Visit(ref reader, JsonPath.Item(path, index));
            }
        }
    }
}
