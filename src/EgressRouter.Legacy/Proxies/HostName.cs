using System.Diagnostics.CodeAnalysis;
using Cni;

namespace EgressRouter.Legacy;

/// <summary>
/// A DNS name of letters, digits, '-' and '.', as the legacy images accept it. It is copied into other programs' configurations, so
/// it must never contain anything else.
/// </summary>
/// <param name="Text">The name, in lower case, without a trailing dot.</param>
internal readonly record struct HostName(string Text)
{
    /// <summary>RFC 1035, section 2.3.4, without the trailing dot.</summary>
    private const int MaxLength = 253;

    private const int MaxLabel = 63;

    /// <summary>Parses a name.</summary>
    /// <param name="reason">Why the text is not a name, or null if it is.</param>
    public static bool TryParse(string text, out HostName name, [NotNullWhen(false)] out string? reason)
    {
        string trimmed = text.EndsWith('.') ? text[..^1] : text;
        name = new HostName(trimmed.ToLowerInvariant());
        reason = WhyNot(trimmed);
        return reason is null;
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static string? WhyNot(string text)
    {
        foreach (char letter in text)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('-' or '.'))
            {
                return char.IsLetter(letter)
                    ? "a name has the letters a-z only: write it as DNS does, beginning with xn--"
                    : $"'{SafeText.Part([letter])}' stands in no name or address";
            }
        }

        string[] labels = text.Split('.');
        foreach (string label in labels)
        {
            if (label.Length is 0 or > MaxLabel || label[0] == '-' || label[^1] == '-')
            {
                return label.Length == 0 ? "a part of the name is empty"
                    : label.Length > MaxLabel ? $"a part of the name is longer than {MaxLabel}"
                    : "a part of the name begins or ends with '-'";
            }
        }

        // Programs parse a name that ends with a number as an address, each in its own way.
        return text.Length > MaxLength ? $"the name is longer than {MaxLength}"
            : IsNumber(labels[^1]) ? "it is neither an address nor a name, which does not end with a number" : null;
    }

    private static bool IsNumber(string label)
    {
        foreach (char letter in label)
        {
            if (!char.IsAsciiDigit(letter))
            {
                return label.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
            }
        }

        return true;
    }
}
