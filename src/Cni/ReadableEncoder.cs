using System.Text;
using System.Text.Encodings.Web;

namespace Cni;

/// <summary>
/// Escapes in JSON only what RFC 8259, section 7, requires, and characters that could drive a terminal or hide text in a log. The
/// encoders of .NET build tables of all of Unicode first, which costs more than the rest of VERSION.
/// </summary>
internal sealed unsafe class ReadableEncoder : JavaScriptEncoder
{
    /// <summary>The only one.</summary>
    public static ReadableEncoder Instance { get; } = new();

    /// <summary>A character outside the Basic Multilingual Plane is escaped as two surrogates: <c>\ud83d\ude00</c>.</summary>
    public override int MaxOutputCharactersPerInputCharacter => 12;

    /// <inheritdoc/>
    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        ReadOnlySpan<char> rest = new(text, textLength);
        for (int index = 0; index < rest.Length;)
        {
            _ = Rune.DecodeFromUtf16(rest[index..], out Rune rune, out int used);
            if (WillEncode(rune.Value))
            {
                return index;
            }

            index += used;
        }

        return -1;
    }

    /// <inheritdoc/>
    public override bool WillEncode(int unicodeScalar) => unicodeScalar switch
    {
        '"' or '\\' => true,
        >= ' ' and < 0x7f => false,
        _ => SafeText.Escape(new Rune(unicodeScalar)) is not null,
    };

    /// <inheritdoc/>
    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        Span<char> output = new(buffer, bufferLength);
        if (!WillEncode(unicodeScalar))
        {
            return new Rune(unicodeScalar).TryEncodeToUtf16(output, out numberOfCharactersWritten);
        }

        string escape = unicodeScalar switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\b' => "\\b",
            '\f' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ => string.Concat(new Rune(unicodeScalar).ToString().Select(unit => $"\\u{(int)unit:X4}")),
        };
        numberOfCharactersWritten = escape.TryCopyTo(output) ? escape.Length : 0;
        return numberOfCharactersWritten > 0;
    }
}
