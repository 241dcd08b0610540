using System.Text.Json;

namespace Cni;

/// <summary>Says what is wrong with JSON text: syntax, depth, duplicate members, half surrogate pairs.</summary>
internal static class JsonFault
{
    /// <summary>The first fault of the text with its place; null if there is none.</summary>
    public static string? Find(ReadOnlySpan<byte> text)
    {
        // One level more than is allowed, to tell a text that is too deep from one that is broken.
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = ConfigText.MaxDepth + 1 });
        var members = new Stack<HashSet<string>>();
        try
        {
            while (reader.Read())
            {
                if (FaultOf(ref reader, members) is string fault)
                {
                    return $"{fault} at {Place(text, (int)reader.TokenStartIndex)}";
                }
            }

            return null;
        }
        catch (JsonException exception)
        {
            return $"it is not valid JSON at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}";
        }
        catch (InvalidOperationException)
        {
            return $"a string holds half a surrogate pair at {Place(text, (int)reader.TokenStartIndex)}";
        }
    }

    private static string? FaultOf(ref Utf8JsonReader reader, Stack<HashSet<string>> members)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject or JsonTokenType.StartArray when reader.CurrentDepth >= ConfigText.MaxDepth:
                return $"it is nested deeper than {ConfigText.MaxDepth} levels";
            case JsonTokenType.StartObject:
                members.Push(new HashSet<string>(StringComparer.Ordinal));
                return null;
            case JsonTokenType.EndObject:
                members.Pop();
                return null;
            case JsonTokenType.PropertyName:
                string name = reader.GetString()!;
                return members.Peek().Add(name) ? null : $"duplicate member \"{Excerpt.Of(name)}\"";
            case JsonTokenType.String:
                // Throws InvalidOperationException for half a surrogate pair.
                _ = reader.GetString();
                return null;
            default:
                return null;
        }
    }

    /// <summary>Lines and bytes from 1, as editors count.</summary>
    private static string Place(ReadOnlySpan<byte> text, int index)
    {
        ReadOnlySpan<byte> before = text[..index];
        return $"line {before.Count((byte)'\n') + 1}, byte {index - before.LastIndexOf((byte)'\n')}";
    }
}
