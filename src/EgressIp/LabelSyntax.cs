using Cni;

namespace EgressIp;

/// <summary>Keys and values of labels (Kubernetes, "Labels and Selectors": syntax and character set).</summary>
internal static class LabelSyntax
{
    private const int MaxNameLength = 63;
    private const int MaxPrefixLength = 253;

    public static string? WhyInvalidKey(string key)
    {
        int slash = key.IndexOf('/');
        return IsName(key.AsSpan(slash + 1)) && (slash < 0 || IsSubdomain(key[..slash]))
            ? null
            : $"\"{SafeText.Part(key)}\" is not a key of labels";
    }

    public static string? WhyInvalidValue(string value) =>
        value.Length == 0 || IsName(value) ? null : $"\"{SafeText.Part(value)}\" is not a value of labels";

    private static bool IsName(ReadOnlySpan<char> text)
    {
        foreach (char character in text)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return text.Length is > 0 and <= MaxNameLength && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]);
    }

    /// <summary>A DNS subdomain (RFC 1123) in lower case.</summary>
    private static bool IsSubdomain(string text) =>
        text.Length <= MaxPrefixLength && text.Split('.').All(
            label => label.Length > 0 && label[0] != '-' && label[^1] != '-'
                && label.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character == '-'));
}
