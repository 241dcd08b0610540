using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>A line of the DNS proxy's list: a port of the pod, and where its connections go.</summary>
/// <param name="Address">The destination's address; null where it has a name.</param>
/// <param name="Name">The destination's name; null where it has an address.</param>
internal sealed record DnsRule(ushort Port, IPAddress? Address, HostName? Name, ushort TargetPort);

/// <summary>
/// EGRESS_DNS_PROXY_DESTINATION, a line for each port: <c>PORT IP</c>, <c>PORT NAME</c>, each with the destination's port
/// behind it where that is another.
/// </summary>
internal static class DnsProxyList
{
    /// <summary>The variable.</summary>
    public const string Variable = "EGRESS_DNS_PROXY_DESTINATION";

    private static readonly char[] _separators = [' ', '\t'];

    /// <summary>Reads the list.</summary>
    /// <param name="text">The text; null where there is none.</param>
    /// <param name="faults">Takes what is wrong with it.</param>
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
            // A proxy without a port serves nobody.
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

        // A name without a dot would be searched for in domains that haproxy does not know.
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
