using System.Diagnostics.CodeAnalysis;

namespace EgressRouter.Config;

/// <summary>
/// IPv4 addresses in text: four decimal octets. The octal, hexadecimal and shortened forms of inet_aton(3) are refused,
/// because programs differ in what they read there.
/// </summary>
internal static class Ipv4Text
{
    /// <summary>Reads an address into four bytes.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, Span<byte> octets, [NotNullWhen(false)] out string? reason)
    {
        int count = text.Count('.') + 1;
        if (count != 4)
        {
            reason = $"{Shown.Part(text)} has {(count == 1 ? "one octet" : $"{count} octets")}, an IPv4 address has four";
            return false;
        }

        int index = 0;
        foreach (Range range in text.Split('.'))
        {
            if (!TryParseOctet(text[range], out octets[index++], out reason))
            {
                return false;
            }
        }

        reason = null;
        return true;
    }

    private static bool TryParseOctet(ReadOnlySpan<char> text, out byte octet, [NotNullWhen(false)] out string? reason)
    {
        octet = 0;
        reason = null;
        if (!DecimalText.TryParse(text, out int value))
        {
            reason = $"octet \"{Shown.Part(text)}\" is not a decimal number";
        }
        else if (DecimalText.HasLeadingZero(text))
        {
            reason = $"octet {Shown.Part(text)} has a leading zero";
        }
        else if (value > byte.MaxValue)
        {
            reason = $"octet {Shown.Part(text)} is outside 0-255";
        }
        else
        {
            octet = (byte)value;
        }

        return reason is null;
    }
}
