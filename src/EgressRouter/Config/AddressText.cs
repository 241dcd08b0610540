using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace EgressRouter.Config;

/// <summary>
/// IP addresses in text, read strictly: a text that another program might read as another address is refused.
/// (<see cref="IPAddress.TryParse(string?, out IPAddress?)"/> takes <c>1.2.3</c>, <c>0x7f.1</c>, zones, brackets and ports.)
/// </summary>
internal static class AddressText
{
    /// <summary>Reads <c>IP</c>.</summary>
    public static bool TryParse(
        ReadOnlySpan<char> text,
        [NotNullWhen(true)] out IPAddress? address,
        [NotNullWhen(false)] out string? reason)
    {
        address = null;
        if (!text.Contains(':'))
        {
            Span<byte> octets = stackalloc byte[4];
            reason = NotIpv4(text);
            if (reason is not null || !Ipv4Text.TryParse(text, octets, out reason))
            {
                return false;
            }

            address = new IPAddress(octets);
            return true;
        }

        Span<byte> bytes = stackalloc byte[16];
        reason = NotIpv6(text);
        if (reason is not null || !Ipv6Text.TryParse(text, bytes, out reason))
        {
            return false;
        }

        var parsed = new IPAddress(bytes);
        if (parsed.IsIPv4MappedToIPv6)
        {
            reason = $"{Shown.Part(text)} is an IPv4-mapped address, write {parsed.MapToIPv4()}";
            return false;
        }

        address = parsed;
        return true;
    }

    /// <summary>Reads <c>IP</c> or <c>IP/length</c>; the length is 0-32 or 0-128, or null when there is none.</summary>
    public static bool TryParsePrefix(
        ReadOnlySpan<char> text,
        [NotNullWhen(true)] out IPAddress? address,
        out int? length,
        [NotNullWhen(false)] out string? reason)
    {
        length = null;
        int slash = text.IndexOf('/');
        if (slash < 0)
        {
            return TryParse(text, out address, out reason);
        }

        if (!TryParse(text[..slash], out address, out reason))
        {
            return false;
        }

        ReadOnlySpan<char> digits = text[(slash + 1)..];
        int width = address.AddressFamily.AddressBits();
        reason = !DecimalText.TryParse(digits, out int value) || DecimalText.HasLeadingZero(digits)
            ? $"prefix length \"{Shown.Part(digits)}\" is not a number from 0 to {width}"
            : value > width ? $"prefix length {Shown.Part(digits)} is outside 0-{width}" : null;
        if (reason is not null)
        {
            address = null;
            return false;
        }

        length = value;
        return true;
    }

    private static string? NotIpv6(ReadOnlySpan<char> text)
    {
        int colon = text.IndexOf(':');
        if (text.ContainsAny('[', ']'))
        {
            return "an address is written without brackets";
        }

        if (text.Contains('%'))
        {
            return "an address with a zone (%) is not supported";
        }

        if (text[..colon].Contains('.') && !text[(colon + 1)..].Contains(':'))
        {
            return $"{Shown.Part(text)} is not an address: a port stands in a field of its own";
        }

        return colon == 0 && !text.StartsWith("::") ? $"{Shown.Part(text)} begins with a single colon" : null;
    }

    private static string? NotIpv4(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return "an address is missing";
        }

        ReadOnlySpan<char> lastLabel = text[(text.LastIndexOf('.') + 1)..];
        if (DecimalText.TryParse(lastLabel, out _) || lastLabel.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            // Meant as an IPv4 address, or to be taken for one.
            return null;
        }

        return IsName(text)
            ? $"\"{Shown.Part(text)}\" is a name: names are not supported, an IP address is needed"
            : $"\"{Shown.Part(text)}\" is not an IP address";
    }

    private static bool IsName(ReadOnlySpan<char> text)
    {
        bool hasLetter = false;
        foreach (char c in text)
        {
            hasLetter |= char.IsLetter(c);
            if (!char.IsLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return hasLetter;
    }
}
