using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Cni;

/// <summary>
/// Parses IP addresses as Go does. Programs interpret <c>010.1</c>, <c>0x7f.1</c>, zones, brackets and ports differently, and
/// .NET's parser accepts them all.
/// </summary>
public static class StrictAddress
{
    /// <summary>Parses an IPv4 address of four decimal octets or an IPv6 address (RFC 4291); null for anything else.</summary>
    public static IPAddress? Parse(ReadOnlySpan<char> text)
    {
        bool isStrict = !text.StartsWith(":") || text.StartsWith("::");
        foreach (char character in text)
        {
            isStrict &= char.IsAsciiHexDigit(character) || character is ':' or '.';
        }

        // An IPv6 address may end with an IPv4 address.
        int colon = text.LastIndexOf(':');
        ReadOnlySpan<char> ipv4 = text[(colon + 1)..];
        isStrict &= (colon >= 0 && !ipv4.Contains('.')) || IsCanonical(ipv4);
        return isStrict && IPAddress.TryParse(text, out IPAddress? address) ? address : null;
    }

    /// <summary>Parses a prefix length valid for the address, without leading zeros; null for anything else.</summary>
    public static int? ParseLength(ReadOnlySpan<char> text, IPAddress address)
    {
        // int.TryParse accepts trailing NUL characters.
        bool isNumber = text is ([>= '1' and <= '9', .. { Length: <= 2 }] or "0") && char.IsAsciiDigit(text[^1]);
        int most = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        return isNumber && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int length) && length <= most
            ? length
            : null;
    }

    private static bool IsCanonical(ReadOnlySpan<char> ipv4) =>
        IPAddress.TryParse(ipv4, out IPAddress? address) && ipv4.SequenceEqual(address.ToString());
}
