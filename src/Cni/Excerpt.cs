namespace Cni;

/// <summary>Foreign text in an error message: enough of it to be recognised, never all of it.</summary>
internal static class Excerpt
{
    private const int MaxLength = 64;

    public static string Of(string text)
    {
        if (text.Length <= MaxLength)
        {
            return text;
        }

        // Half a surrogate pair could not be written as UTF-8.
        int length = char.IsHighSurrogate(text[MaxLength - 1]) ? MaxLength - 1 : MaxLength;
        return string.Concat(text.AsSpan(0, length), "...");
    }
}
