using System.Globalization;
using System.Text;

namespace EgressRouter.Config;

/// <summary>Text of a stranger, made fit for one line of an error: nothing invisible, nothing endless.</summary>
public static class Shown
{
    /// <summary>The longest text that is shown in full, in characters.</summary>
    public const int MaxLength = 80;

    /// <summary>The longest part of a text that is shown in full within a reason, in characters.</summary>
    public const int MaxPartLength = 40;

    private const string Cut = "...";

    /// <summary>The text with control and format characters escaped, at most <see cref="MaxLength"/> characters.</summary>
    public static string Of(ReadOnlySpan<char> text) => Of(text, MaxLength);

    /// <summary>The text with control and format characters escaped, however long.</summary>
    public static string Whole(ReadOnlySpan<char> text) => Of(text, int.MaxValue);

    /// <summary>As <see cref="Of(ReadOnlySpan{char})"/>, at most <see cref="MaxPartLength"/> characters.</summary>
    public static string Part(ReadOnlySpan<char> text) => Of(text, MaxPartLength);

    private static string Of(ReadOnlySpan<char> text, int limit)
    {
        var shown = new StringBuilder();
        int cutAt = 0;
        while (!text.IsEmpty)
        {
            // A lone surrogate comes out as U+FFFD.
            _ = Rune.DecodeFromUtf16(text, out Rune rune, out int used);
            text = text[used..];
            Append(shown, rune);
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

    private static void Append(StringBuilder shown, Rune rune)
    {
        switch (rune.Value)
        {
            case '\t':
                shown.Append("\\t");
                return;
            case '\n':
                shown.Append("\\n");
                return;
            case '\r':
                shown.Append("\\r");
                return;
        }

        if (!IsInvisible(Rune.GetUnicodeCategory(rune)))
        {
            shown.Append(rune.ToString());
        }
        else if (rune.IsBmp)
        {
            shown.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
        }
        else
        {
            shown.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
        }
    }

    private static bool IsInvisible(UnicodeCategory category) => category is
        UnicodeCategory.Control or
        UnicodeCategory.Format or
        UnicodeCategory.LineSeparator or
        UnicodeCategory.ParagraphSeparator;
}
