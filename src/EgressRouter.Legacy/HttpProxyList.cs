using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>A line of the HTTP proxy's list: what it allows or denies.</summary>
/// <param name="IsAllowed">Whether it allows.</param>
/// <param name="Network">Addresses; null where it is about names, or about everything.</param>
/// <param name="Name">A name; null where it is about addresses, or about everything.</param>
/// <param name="WithSubdomains">Whether the names below it count too.</param>
/// <param name="Ports">The ports; empty: all.</param>
internal sealed record HttpRule(
    bool IsAllowed, (IPAddress Address, int PrefixLength)? Network, HostName? Name, bool WithSubdomains,
    ImmutableArray<(ushort First, ushort Last)> Ports)
{
    /// <summary>Whether it is about everything.</summary>
    public bool IsWildcard => Network is null && Name is null;
}

/// <summary>
/// EGRESS_HTTP_PROXY_DESTINATION, a line for each rule, of which the first that fits decides: <c>IP</c>, <c>IP/LENGTH</c>,
/// <c>NAME</c>, <c>*.NAME</c>, each with '!' before it to deny; <c>*</c> as the last. New here: ports behind it, as in
/// <c>example.com 443 8000-8100</c>.
/// </summary>
internal static class HttpProxyList
{
    /// <summary>The variable.</summary>
    public const string Variable = "EGRESS_HTTP_PROXY_DESTINATION";

    private static readonly char[] _separators = [' ', '\t', ','];

    /// <summary>Reads the list.</summary>
    /// <param name="text">The text; null where there is none.</param>
    /// <param name="faults">Takes what is wrong with it.</param>
    public static ImmutableArray<HttpRule> Read(string? text, ICollection<LegacyFault> faults)
    {
        if (string.IsNullOrEmpty(text))
        {
            faults.Add(new LegacyFault(0, $"No {Variable} specified"));
            return [];
        }

        ImmutableArray<HttpRule>.Builder rules = ImmutableArray.CreateBuilder<HttpRule>();
        foreach (TextLine line in LegacyLines.Of(text))
        {
            if (ReadRule(line.Text.Split(_separators, StringSplitOptions.RemoveEmptyEntries), out string? reason) is not HttpRule rule)
            {
                faults.Add(new LegacyFault(line.Number, $"Bad destination '{SafeText.Short(line.Text)}': {reason}"));
                continue;
            }

            // A second wildcard was always borne with.
            if (rules.Count > 0 && rules[^1].IsWildcard && !rule.IsWildcard)
            {
                faults.Add(new LegacyFault(line.Number, "Wildcard must be last rule, if present"));
            }

            rules.Add(rule);
        }

        return rules.ToImmutable();
    }

    private static readonly IPAddress _mapped = IPAddress.Parse("::ffff:0:0");

    private static HttpRule? ReadRule(ReadOnlySpan<string> fields, out string? reason)
    {
        if (fields.IsEmpty)
        {
            reason = "nothing but commas";
            return null;
        }

        return TryRead(fields[0], out HttpRule? rule, out reason)
            && TryReadPorts(fields[1..], out ImmutableArray<(ushort, ushort)> ports, out reason)
            ? rule with { Ports = ports } : null;
    }

    private static bool TryRead(string text, [NotNullWhen(true)] out HttpRule? rule, out string? reason)
    {
        bool isAllowed = !text.StartsWith('!');
        string what = isAllowed ? text : text[1..];
        rule = null;
        reason = null;
        if (text == "*")
        {
            rule = new HttpRule(true, null, null, false, []);
        }
        else if (IsAddress(what))
        {
            if (AddressText.TryParsePrefix(what, out IPAddress? address, out int? length, out reason))
            {
                int bits = length ?? address.AddressFamily.AddressBits();
                // To squid these are IPv4's addresses. All of IPv6 can be said to it in another way.
                if (address.AddressFamily == AddressFamily.InterNetworkV6 && bits is > 0 and < 96
                    && Subnet.Contains(address, bits, _mapped))
                {
                    reason = "the network contains ::ffff:0:0/96, the addresses of IPv4 in IPv6: write smaller ones";
                }
                else
                {
                    rule = new HttpRule(isAllowed, (address.Network(bits), bits), null, false, []);
                }
            }
        }
        else if (what.Length == 0)
        {
            reason = "nothing stands behind the '!'";
        }
        else
        {
            bool withSubdomains = what.StartsWith("*.", StringComparison.Ordinal);
            if (HostName.TryParse(withSubdomains ? what[2..] : what, out HostName name, out reason))
            {
                rule = new HttpRule(isAllowed, null, name, withSubdomains, []);
            }
        }

        return rule is not null;
    }

    /// <summary>Whether a text is meant as an address: cafe.de, which the images took for one, is a name; 1.2.3 is none.</summary>
    internal static bool IsAddress(string text) =>
        text.Contains(':', StringComparison.Ordinal) || text.Contains('/', StringComparison.Ordinal)
        || (text.Contains('.', StringComparison.Ordinal) && text.All(letter => char.IsAsciiDigit(letter) || letter == '.'));

    private static bool TryReadPorts(ReadOnlySpan<string> fields, out ImmutableArray<(ushort First, ushort Last)> ports, out string? reason)
    {
        ImmutableArray<(ushort, ushort)>.Builder found = ImmutableArray.CreateBuilder<(ushort, ushort)>();
        ports = [];
        foreach (string field in fields)
        {
            int dash = field.IndexOf('-', StringComparison.Ordinal);
            if (!ProxyPort.TryParse(dash < 0 ? field : field[..dash], out ushort first, out reason)
                || !ProxyPort.TryParse(field[(dash + 1)..], out ushort last, out reason))
            {
                return false;
            }

            if (last < first)
            {
                reason = string.Create(CultureInfo.InvariantCulture, $"port range {first}-{last} is reversed");
                return false;
            }

            found.Add((first, last));
        }

        (ports, reason) = (found.ToImmutable(), null);
        return true;
    }
}
