using System.Diagnostics.CodeAnalysis;
using System.Net;
using Cni;

namespace EgressRouter.Config;

/// <summary>The grammar of one destination. Constraints between destinations are checked by <see cref="DestinationRules"/>.</summary>
internal static class DestinationGrammar
{
    private const string Forms = "expected \"IP\", \"port protocol IP\" or \"port protocol IP port\"";
    private const int MaxFields = 4;

    public static bool TryParse(
        ReadOnlySpan<char> text,
        [NotNullWhen(true)] out Destination? destination,
        [NotNullWhen(false)] out string? reason)
    {
        Span<Range> fields = stackalloc Range[MaxFields];
        int count = Split(text, fields);
        destination = null;
        switch (count)
        {
            case 0:
                reason = $"is empty; {Forms}";
                return false;
            case 1:
                if (TryParseAddress(text[fields[0]], out IPAddress? address, out reason))
                {
                    destination = new FallbackDestination(address);
                }

                return destination is not null;
            case 3:
                return TryParsePorts(text[fields[0]], text[fields[1]], text[fields[2]], default, out destination, out reason);
            case 4:
                return TryParsePorts(text[fields[0]], text[fields[1]], text[fields[2]], text[fields[3]], out destination, out reason);
            default:
                reason = $"has {(count > MaxFields ? "more than 4" : count)} fields; {Forms}";
                return false;
        }
    }

    /// <summary>Whether the address can be a destination, or the reason why not.</summary>
    public static bool TryCheckAddress(IPAddress address, [NotNullWhen(false)] out string? reason)
    {
        AddressKind kind = AddressKinds.Of(address);
        // Clouds serve metadata at 169.254.0.0/16, and some networks use 240.0.0.0/4 as private space: the kernel routes both.
        reason = kind is AddressKind.Unicast or AddressKind.Ipv4LinkLocal or AddressKind.Reserved
            ? null
            : $"{address} is {AddressKinds.Describe(kind)}, not a destination";
        return reason is null;
    }

    private static bool TryParseAddress(
        ReadOnlySpan<char> text,
        [NotNullWhen(true)] out IPAddress? address,
        [NotNullWhen(false)] out string? reason) =>
        AddressText.TryParsePrefix(text, out address, out _, out reason) && TryCheckAddress(address, out reason);

    private static bool TryParsePorts(
        ReadOnlySpan<char> ports,
        ReadOnlySpan<char> protocolName,
        ReadOnlySpan<char> addressText,
        ReadOnlySpan<char> targetText,
        [NotNullWhen(true)] out Destination? destination,
        [NotNullWhen(false)] out string? reason)
    {
        destination = null;
        int dash = ports.IndexOf('-');
        ReadOnlySpan<char> lastText = dash < 0 ? ports : ports[(dash + 1)..];
        if (!TryParsePort(dash < 0 ? ports : ports[..dash], out ushort first, out reason)
            || !TryParsePort(lastText, out ushort last, out reason)
            || !TryParseProtocol(protocolName, out TransportProtocol protocol, out reason)
            || !TryParseAddress(addressText, out IPAddress? address, out reason))
        {
            return false;
        }

        if (last < first)
        {
            reason = $"port range {SafeText.Part(ports)} is reversed";
            return false;
        }

        ushort? target = null;
        if (!targetText.IsEmpty)
        {
            if (dash >= 0)
            {
                reason = $"a port range cannot have a target port ({SafeText.Part(targetText)})";
                return false;
            }

            if (!TryParsePort(targetText, out ushort port, out reason))
            {
                return false;
            }

            target = port;
        }

        destination = new PortDestination(protocol, first, last, address, target);
        reason = null;
        return true;
    }

    private static bool TryParsePort(ReadOnlySpan<char> text, out ushort port, [NotNullWhen(false)] out string? reason)
    {
        port = 0;
        if (!NumberReader.TryParse(text, out int value))
        {
            reason = $"port \"{SafeText.Part(text)}\" is not a number";
            return false;
        }

        if (value is < 1 or > ushort.MaxValue)
        {
            reason = $"port {SafeText.Part(text)} is outside 1-65535";
            return false;
        }

        port = (ushort)value;
        reason = null;
        return true;
    }

    private static bool TryParseProtocol(ReadOnlySpan<char> text, out TransportProtocol protocol, [NotNullWhen(false)] out string? reason)
    {
        protocol = text.Equals("tcp", StringComparison.OrdinalIgnoreCase) ? TransportProtocol.Tcp
            : text.Equals("udp", StringComparison.OrdinalIgnoreCase) ? TransportProtocol.Udp
            : text.Equals("sctp", StringComparison.OrdinalIgnoreCase) ? TransportProtocol.Sctp
            : default;
        reason = protocol == default ? $"protocol \"{SafeText.Part(text)}\" is not tcp, udp or sctp" : null;
        return protocol != default;
    }

    /// <summary>Finds the fields; returns their number, or one more than fit if there are more.</summary>
    private static int Split(ReadOnlySpan<char> text, Span<Range> fields)
    {
        int count = 0;
        int at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            if (at == text.Length || count == fields.Length)
            {
                return at == text.Length ? count : count + 1;
            }

            int start = at;
            while (at < text.Length && !char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            fields[count++] = start..at;
        }
    }
}
