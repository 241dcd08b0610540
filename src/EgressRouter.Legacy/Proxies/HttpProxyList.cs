using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>A line of the HTTP proxy's list, which allows or denies destinations.</summary>
/// <param name="IsAllowed">Whether the line allows.</param>
/// <param name="Network">The destination network, or null if the line is about names or everything.</param>
/// <param name="Name">The destination name, or null if the line is about addresses or everything.</param>
/// <param name="WithSubdomains">Whether the name's subdomains match too.</param>
/// <param name="Ports">The ports; empty for all.</param>
internal sealed record HttpRule(
    bool IsAllowed, (IPAddress Address, int PrefixLength)? Network, HostName? Name, bool WithSubdomains,
    ImmutableArray<(ushort First, ushort Last)> Ports)
{
    /// <summary>Whether the line matches every destination.</summary>
    public bool IsWildcard => Network is null && Name is null;
}

/// <summary>
/// EGRESS_HTTP_PROXY_DESTINATION, one line per rule; the first match decides: <c>IP</c>, <c>IP/LENGTH</c>, <c>NAME</c>,
/// <c>*.NAME</c>, each with a leading '!' to deny; <c>*</c> last. New here: trailing ports, as in <c>example.com 443 8000-8100</c>.
/// </summary>
internal static class HttpProxyList
{
    public const string Variable = "EGRESS_HTTP_PROXY_DESTINATION";

    private static readonly char[] _separators = [' ', '\t', ','];

    /// <param name="text">The list, or null if it is not set.</param>
    /// <param name="faults">Receives the list's faults.</param>
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

            // The legacy image also accepted a second wildcard.
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
                // squid takes these networks for IPv4 addresses. All of IPv6 can be written for squid in another way.
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

    /// <summary>Whether a text is meant as an address. cafe.de, which the images took for one, is a name; 1.2.3 is not.</summary>
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
