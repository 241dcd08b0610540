using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>A line of the DNS proxy's list: a port of the pod, and its destination.</summary>
/// <param name="Address">The destination's address, or null if it is given by name.</param>
/// <param name="Name">The destination's name, or null if it is given by address.</param>
internal sealed record DnsRule(ushort Port, IPAddress? Address, HostName? Name, ushort TargetPort);

/// <summary>
/// EGRESS_DNS_PROXY_DESTINATION, one line per port: <c>PORT IP</c> or <c>PORT NAME</c>, followed by the destination's port if it
/// differs.
/// </summary>
internal static class DnsProxyList
{
    public const string Variable = "EGRESS_DNS_PROXY_DESTINATION";

    private static readonly char[] _separators = [' ', '\t'];

    /// <param name="text">The list, or null if it is not set.</param>
    /// <param name="faults">Receives the list's faults.</param>
    public static ImmutableArray<DnsRule> Read(string? text, ICollection<LegacyFault> faults)
    {
        ImmutableArray<DnsRule>.Builder rules = ImmutableArray.CreateBuilder<DnsRule>();
        var ports = new HashSet<ushort>();
        foreach (TextLine line in LegacyLines.Of(text ?? ""))
        {
            string[] fields = line.Text.Split(_separators, StringSplitOptions.RemoveEmptyEntries);
            string? reason = fields.Length is 2 or 3 ? null : "expected \"port destination\" or \"port destination port\"";
            if (reason is not null || !TryReadDestination(fields[1], out IPAddress? address, out HostName? name, out reason))
            {
                faults.Add(new LegacyFault(line.Number, $"Bad destination '{SafeText.Short(line.Text)}': {reason}"));
            }
            else if (!ProxyPort.TryParse(fields[0], out ushort port, out reason)
                || !ProxyPort.TryParse(fields[fields.Length == 3 ? 2 : 0], out ushort target, out reason))
            {
                faults.Add(new LegacyFault(line.Number, reason));
            }
            else if (!ports.Add(port))
            {
                faults.Add(
                    new LegacyFault(
                        line.Number,
                        string.Create(
                            CultureInfo.InvariantCulture, $"Proxy port {port} already used, must be unique for each destination")));
            }
            else
            {
                rules.Add(new DnsRule(port, address, name, target));
            }
        }

        if (rules.Count == 0 && faults.Count == 0)
        {
            // A proxy needs at least one port.
            faults.Add(new LegacyFault(0, $"Must specify {Variable}"));
        }

        return rules.ToImmutable();
    }

    private static bool TryReadDestination(string text, out IPAddress? address, out HostName? name, out string? reason)
    {
        (address, name) = (null, null);
        if (AddressText.TryParse(text, out IPAddress? parsed, out reason))
        {
            address = parsed;
            return DestinationGrammar.TryCheckAddress(parsed, out reason);
        }

        if (HttpProxyList.IsAddress(text))
        {
            return false;
        }

        // A name without a dot would be looked up in search domains, which haproxy does not know.
        bool isName = HostName.TryParse(text, out HostName parsedName, out reason);
        if (isName && !parsedName.Text.Contains('.', StringComparison.Ordinal))
        {
            reason = $"the name \"{parsedName}\" is not complete: write it with its domain";
            return false;
        }

        name = parsedName;
        return isName;
    }
}
