using System.Text.Json;
using EgressRouter.Config;

namespace EgressRouter.Tools;

/// <summary>Where each value of a JSON text begins, by its path: the paths of <see cref="ConfigFault"/>.</summary>
internal sealed class JsonPlaces
{
    private readonly Dictionary<string, int> _offsets = [];

    /// <param name="json">Valid JSON.</param>
    public JsonPlaces(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        Visit(ref reader, JsonPath.Root);
    }

    /// <summary>The offset in bytes; of what encloses it when there is no such thing in the text.</summary>
    public int OffsetOf(string path)
    {
        while (true)
        {
            if (_offsets.TryGetValue(path, out int offset))
            {
                return offset;
            }

            path = path[..Math.Max(path.LastIndexOfAny(['.', '[']), 0)];
        }
    }

    private void Visit(ref Utf8JsonReader reader, string path)
    {
        _offsets.TryAdd(path, (int)reader.TokenStartIndex);
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
