using System.Collections.Immutable;
using System.Net;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>Parses the DNS servers of resolv.conf(5).</summary>
internal static class ResolvConf
{
    /// <summary>The maximum number of servers that are used.</summary>
    private const int MaxServers = 8;

    private static readonly char[] _blanks = [' ', '\t', '\r'];

    /// <summary>Returns the servers. Skips invalid lines, as libc does.</summary>
    public static ImmutableArray<IPAddress> Nameservers(string text)
    {
        ImmutableArray<IPAddress>.Builder servers = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (string line in text.Split('\n'))
        {
            if (line.Split(_blanks, StringSplitOptions.RemoveEmptyEntries) is ["nameserver", string server, ..]
                && AddressText.TryParse(server, out IPAddress? address, out _) && !servers.Contains(address) && servers.Count < MaxServers)
            {
                servers.Add(address);
            }
        }

        return servers.ToImmutable();
    }
}
