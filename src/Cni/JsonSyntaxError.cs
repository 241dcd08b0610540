using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Cni;

/// <summary>A fault of JSON text: invalid syntax, nesting, duplicate members, lone surrogates or invalid UTF-8.</summary>
/// <param name="Reason">The reason, a clause that follows the name of the text in a message.</param>
/// <param name="Line">The line, counted from 1; null if the fault has no line.</param>
/// <param name="Byte">The byte in the line, counted from 1.</param>
public sealed record JsonSyntaxError(string Reason, int? Line = null, int Byte = 1)
{
    /// <summary>The maximum length of text that a plugin reads, in bytes.</summary>
    public const int LongestText = StrictJson.MaxBytes;

    /// <summary>The reason with its position.</summary>
    public override string ToString() => Line is int line ? $"{Reason} at line {line}, byte {Byte}" : Reason;

    /// <summary>The first fault of the text; null if there is none.</summary>
    public static JsonSyntaxError? Find(ReadOnlySpan<byte> text) => FindBeforeSyntax(text) ?? FindInSyntax(text);

    private static JsonSyntaxError? FindBeforeSyntax(ReadOnlySpan<byte> text)
    {
        if (text.Trim(" \t\r\n"u8).IsEmpty)
        {
            return new JsonSyntaxError("it is empty");
        }

        // Go's parser rejects it too, with a confusing error.
        if (text.StartsWith(Encoding.UTF8.Preamble))
        {
            return new JsonSyntaxError("it starts with a byte order mark; save it as UTF-8 without one");
        }

        if (Utf8.IsValid(text))
        {
            return null;
        }

        _ = Utf8.ToUtf16(text, new char[text.Length], out int valid, out _, replaceInvalidSequences: false);
        return new JsonSyntaxError($"byte {valid + 1} is not UTF-8");
    }

    private static JsonSyntaxError? FindInSyntax(ReadOnlySpan<byte> text)
    {
        // One level more than allowed, to distinguish excessive nesting from invalid syntax.
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = StrictJson.MaxDepth + 1 });
        var members = new Stack<HashSet<string>>();
        try
        {
            while (reader.Read())
            {
                if (FaultOf(ref reader, members) is string fault)
                {
                    return At(fault, text, (int)reader.TokenStartIndex);
                }
            }

            return null;
        }
        catch (JsonException exception)
        {
            return new JsonSyntaxError(
                "it is not valid JSON", (int)(exception.LineNumber ?? 0) + 1, (int)(exception.BytePositionInLine ?? 0) + 1);
        }
        catch (InvalidOperationException)
        {
            return At("a string holds half a surrogate pair", text, (int)reader.TokenStartIndex);
        }
    }

    private static string? FaultOf(ref Utf8JsonReader reader, Stack<HashSet<string>> members)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject or JsonTokenType.StartArray when reader.CurrentDepth >= StrictJson.MaxDepth:
                return $"it is nested deeper than {StrictJson.MaxDepth} levels";
            case JsonTokenType.StartObject:
                members.Push(new HashSet<string>(StringComparer.Ordinal));
                return null;
            case JsonTokenType.EndObject:
                members.Pop();
                return null;
            case JsonTokenType.PropertyName:
                string name = reader.GetString()!;
                return members.Peek().Add(name) ? null : $"duplicate member \"{SafeText.Short(name)}\"";
            case JsonTokenType.String:
                // Throws InvalidOperationException for a lone surrogate.
                _ = reader.GetString();
                return null;
            default:
                return null;
        }
    }

    private static JsonSyntaxError At(string reason, ReadOnlySpan<byte> text, int index)
    {
        ReadOnlySpan<byte> before = text[..index];
        return new JsonSyntaxError(reason, before.Count((byte)'\n') + 1, index - before.LastIndexOf((byte)'\n'));
    }
}
