using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Cni;

/// <summary>
/// IP addresses in text, as Go reads them. Programs differ in what they make of <c>010.1</c>, <c>0x7f.1</c>, zones, brackets
/// and ports, and .NET's own parser accepts them all.
/// </summary>
public static class StrictAddress
{
    /// <summary>An IPv4 address of four decimal octets, or an IPv6 address by RFC 4291; null for anything else.</summary>
    public static IPAddress? Parse(ReadOnlySpan<char> text)
    {
        bool isStrict = !text.StartsWith(":") || text.StartsWith("::");
        foreach (char character in text)
        {
            isStrict &= char.IsAsciiHexDigit(character) || character is ':' or '.';
        }

        // The end of an IPv6 address may be written as an IPv4 address.
        int colon = text.LastIndexOf(':');
        ReadOnlySpan<char> ipv4 = text[(colon + 1)..];
        isStrict &= (colon >= 0 && !ipv4.Contains('.')) || IsCanonical(ipv4);
        return isStrict && IPAddress.TryParse(text, out IPAddress? address) ? address : null;
    }

    /// <summary>A prefix length for the address, in decimal digits without leading zeros; null for anything else.</summary>
    public static int? ParseLength(ReadOnlySpan<char> text, IPAddress address)
    {
        // int.TryParse accepts NUL characters at the end.
        bool isNumber = text is ([>= '1' and <= '9', .. { Length: <= 2 }] or "0") && char.IsAsciiDigit(text[^1]);
        int most = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        return isNumber && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int length) && length <= most
            ? length
            : null;
    }

    private static bool IsCanonical(ReadOnlySpan<char> ipv4) =>
        IPAddress.TryParse(ipv4, out IPAddress? address) && ipv4.SequenceEqual(address.ToString());
}
