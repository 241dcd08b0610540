using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace EgressRouter.Config;

/// <summary>IPv6 addresses in text, by RFC 4291 section 2.2: no zone, no brackets, no port.</summary>
internal static class Ipv6Text
{
    private const int GroupCount = 8;

    /// <summary>Reads an address into sixteen bytes.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, Span<byte> bytes, [NotNullWhen(false)] out string? reason)
    {
        bytes.Clear();
        int count = 0;
        int gap = -1;
        int at = 0;
        if (text.StartsWith("::"))
        {
            gap = 0;
            at = 2;
        }

        while (at < text.Length)
        {
            int length = text[at..].IndexOf(':');
            bool isLast = length < 0;
            ReadOnlySpan<char> group = isLast ? text[at..] : text.Slice(at, length);
            if (isLast && group.Contains('.'))
            {
                // The last two groups written as an IPv4 address.
                if (count > GroupCount - 2)
                {
                    reason = TooMany(text);
                    return false;
                }

                if (!Ipv4Text.TryParse(group, bytes.Slice(count * 2, 4), out reason))
                {
                    return false;
                }

                count += 2;
                break;
            }

            if (count == GroupCount)
            {
                reason = TooMany(text);
                return false;
            }

            if (!TryParseGroup(group, out ushort value, out reason))
            {
                return false;
            }

            BinaryPrimitives.WriteUInt16BigEndian(bytes.Slice(count * 2, 2), value);
            count++;
            if (isLast)
            {
                break;
            }

            at += length + 1;
            if (at == text.Length)
            {
                reason = $"{Shown.Part(text)} ends with a single colon";
                return false;
            }

            if (text[at] == ':')
            {
                if (gap >= 0)
                {
                    reason = $"{Shown.Part(text)} has :: twice";
                    return false;
                }

                gap = count;
                at++;
            }
        }

        return Spread(text, bytes, count, gap, out reason);
    }

    /// <summary>Moves the groups after <c>::</c> to the end.</summary>
    private static bool Spread(ReadOnlySpan<char> text, Span<byte> bytes, int count, int gap, [NotNullWhen(false)] out string? reason)
    {
        if (gap < 0)
        {
            reason = count == GroupCount ? null : $"{Shown.Part(text)} is too short: an IPv6 address has eight groups";
            return count == GroupCount;
        }

        if (count == GroupCount)
        {
            reason = TooMany(text);
            return false;
        }

        int tail = (count - gap) * 2;
        bytes.Slice(gap * 2, tail).CopyTo(bytes[(bytes.Length - tail)..]);
        bytes[(gap * 2)..(bytes.Length - tail)].Clear();
        reason = null;
        return true;
    }

    private static bool TryParseGroup(ReadOnlySpan<char> text, out ushort value, [NotNullWhen(false)] out string? reason)
    {
        // AllowHexSpecifier takes hexadecimal digits only: no sign, no white space, no 0x. A NUL at the end it does take.
        value = 0;
        bool isGroup = text.Length is >= 1 and <= 4
            && char.IsAsciiHexDigit(text[^1])
            && ushort.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        reason = isGroup ? null : $"group \"{Shown.Part(text)}\" is not one to four hexadecimal digits";
        return isGroup;
    }

    private static string TooMany(ReadOnlySpan<char> text) => $"{Shown.Part(text)} is too long: an IPv6 address has eight groups";
}
