using System.Diagnostics.CodeAnalysis;
using System.Net;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parses addresses with <see cref="StrictAddress"/>, gives reasons, and rejects IPv4-mapped addresses.</summary>
internal static class AddressText
{
    /// <summary>Parses <c>IP</c>.</summary>
    public static bool TryParse(
        ReadOnlySpan<char> text,
        [NotNullWhen(true)] out IPAddress? address,
        [NotNullWhen(false)] out string? reason)
    {
        address = StrictAddress.Parse(text);
        reason = address is null ? ReasonFor(text)
            : address.IsIPv4MappedToIPv6 ? $"{SafeText.Part(text)} is an IPv4-mapped address; use {address.MapToIPv4()}" : null;
        address = reason is null ? address : null;
        return address is not null;
    }

    /// <summary>Parses <c>IP</c> or <c>IP/length</c>; the length is 0-32 or 0-128, or null if there is none.</summary>
    public static bool TryParsePrefix(
        ReadOnlySpan<char> text,
        [NotNullWhen(true)] out IPAddress? address,
        out int? length,
        [NotNullWhen(false)] out string? reason)
    {
        length = null;
        int slash = text.IndexOf('/');
        if (!TryParse(slash < 0 ? text : text[..slash], out address, out reason) || slash < 0)
        {
            return reason is null;
        }

        length = StrictAddress.ParseLength(text[(slash + 1)..], address);
        reason = length is null
            ? $"prefix length \"{SafeText.Part(text[(slash + 1)..])}\" is not a number from 0 to {address.AddressFamily.AddressBits()}" : null;
        address = reason is null ? address : null;
        return address is not null;
    }

    private static string ReasonFor(ReadOnlySpan<char> text) =>
        text.Contains(':') ? $"\"{SafeText.Part(text)}\" is not an IPv6 address (eight groups or \"::\"; no brackets, zone or port)"
        : IsHostName(text) ? "hostnames are not supported; use an IP address"
        : $"\"{SafeText.Part(text)}\" is not an IPv4 address (four decimal octets, no leading zeros)";

    private static bool IsHostName(ReadOnlySpan<char> text)
    {
        foreach (char character in text)
        {
            if (!char.IsLetterOrDigit(character) && character is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return !text.IsEmpty && char.IsLetter(text[text.LastIndexOf('.') is int dot and >= 0 && dot + 1 < text.Length ? dot + 1 : 0]);
    }
}
