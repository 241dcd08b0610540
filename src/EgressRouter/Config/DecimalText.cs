namespace EgressRouter.Config;

/// <summary>Unsigned decimal numbers: ASCII digits and nothing else.</summary>
internal static class DecimalText
{
    /// <summary>Reads a number of any length; one too large for an int is <see cref="int.MaxValue"/>.</summary>
    /// <returns>False for an empty text, a sign, white space, or digits of another script.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out int value)
    {
        long sum = 0;
        foreach (char digit in text)
        {
            if (!char.IsAsciiDigit(digit))
            {
                value = 0;
                return false;
            }

            sum = Math.Min((sum * 10) + (digit - '0'), int.MaxValue);
        }

        value = (int)sum;
        return !text.IsEmpty;
    }

    /// <summary>Whether the text begins with a zero that has no meaning, as in <c>010</c>, which some read as octal.</summary>
    public static bool HasLeadingZero(ReadOnlySpan<char> text) => text.Length > 1 && text[0] == '0';
}
