using System.Globalization;
using System.Text;

namespace Cni;

/// <summary>Escapes and truncates untrusted text for a single-line message.</summary>
public static class SafeText
{
    /// <summary>The maximum length of <see cref="Short"/>, in characters.</summary>
    public const int MaxLength = 80;

    /// <summary>The maximum length of <see cref="Part"/>, in characters.</summary>
    public const int MaxPartLength = 40;

    private const string Cut = "...";

    /// <summary>Escapes control and format characters and truncates the text to <see cref="MaxLength"/> characters.</summary>
    public static string Short(ReadOnlySpan<char> text) => Of(text, MaxLength);

    /// <summary>Escapes control and format characters without truncation.</summary>
    public static string Escape(ReadOnlySpan<char> text) => Of(text, int.MaxValue);

    /// <summary>Like <see cref="Short"/>, with at most <see cref="MaxPartLength"/> characters.</summary>
    public static string Part(ReadOnlySpan<char> text) => Of(text, MaxPartLength);

    private static string Of(ReadOnlySpan<char> text, int limit)
    {
        var shown = new StringBuilder();
        int cutAt = 0;
        while (!text.IsEmpty)
        {
            // A lone surrogate decodes to U+FFFD.
            _ = Rune.DecodeFromUtf16(text, out Rune rune, out int used);
            text = text[used..];
            shown.Append(Escape(rune) ?? rune.ToString());
            if (shown.Length > limit)
            {
                return shown.Append(Cut).Remove(cutAt, shown.Length - Cut.Length - cutAt).ToString();
            }

            if (shown.Length <= limit - Cut.Length)
            {
                cutAt = shown.Length;
            }
        }

        return shown.ToString();
    }

    /// <summary>
    /// The escape sequence of a character that could end a line, control a terminal, or reverse or hide text; null for others.
    /// </summary>
    public static string? Escape(Rune rune) => rune.Value switch
    {
        >= ' ' and < 0x7f => null,
        '\t' => "\\t",
        '\n' => "\\n",
        '\r' => "\\r",
        _ => Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator =>
                rune.IsBmp ? $"\\u{rune.Value:x4}" : $"\\U{rune.Value:x8}",
            _ => null,
        },
    };
}
