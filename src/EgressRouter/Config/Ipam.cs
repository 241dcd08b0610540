using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Puts what an IPAM plugin gave into the place of <c>ip.addresses</c> and <c>ip.gateways</c>.</summary>
internal static class IpamAddresses
{
    public static ConfigResult Apply(RouterConfig config, ImmutableArray<CniIp> ips)
    {
        string path = $"the result of IPAM plugin {config.IpamType}";
        if (!Bounds.Given.Allows(ips.Length, out string? many))
        {
            return new ConfigResult(null, [new ConfigError(path, null, many)], []);
        }

        var faults = new List<ConfigError>();
        HashSet<IPAddress> asked = [.. config.RequestedAddresses];
        var seen = new HashSet<IPAddress>();
        var addresses = new List<EgressAddress>();
        var gateways = new List<IPAddress>();
        foreach (CniIp ip in ips)
        {
            // What was asked for has the length that was asked for, with some plugins.
            var address = new EgressAddress(
                ip.Address, ip.PrefixLength,
                asked.Contains(ip.Address) ? AllowedSubnet.ShortestOf(config.AllowedAddresses, ip.Address) : null);
            if (!AddressesParser.TryCheck(ip.Address, ip.PrefixLength, out string? reason)
                || !TryCheck(ip.Address, config, seen, out reason))
            {
                faults.Add(new ConfigError(path, address.ToString(), reason));
            }

            seen.Add(ip.Address);
            addresses.Add(address);
            if (ip.Gateway is IPAddress gateway && gateways.All(other => other.AddressFamily != gateway.AddressFamily))
            {
                gateways.Add(gateway);
            }
        }

        // Of an address that is wrong nothing follows for gateways.
        foreach (IPAddress gateway in faults.Count > 0 ? [] : gateways)
        {
            if (!GatewaysParser.TryCheck(gateway, [.. addresses], out string? reason))
            {
                faults.Add(new ConfigError(path, gateway.ToString(), reason));
            }
        }

        if (addresses.Count == 0)
        {
            faults.Add(new ConfigError(path, null, "has no address"));
        }

        foreach (IPAddress missing in config.RequestedAddresses.Where(address => !seen.Contains(address)))
        {
            faults.Add(new ConfigError(path, null, $"has no {missing}, which was requested"));
        }

        var reachable = new ReachableDestinations(addresses);
        foreach (Destination destination in faults.Count > 0 ? [] : config.Destinations)
        {
            if (!reachable.TryCheck(destination, out string? reason))
            {
                faults.Add(new ConfigError("ip.destinations", destination.ToString(), reason));
            }
        }

        RouterConfig complete = config with { Addresses = [.. addresses], Gateways = [.. gateways], AddressesPath = path };
        faults.AddRange(ConfigParser.FaultsOfInterface(complete));
        return new ConfigResult(
            faults.Count > 0 ? null : complete,
            [.. faults],
            []);
    }

    private static bool TryCheck(IPAddress address, RouterConfig config, HashSet<IPAddress> seen, [NotNullWhen(false)] out string? reason)
    {
        bool isAllowed = config.AllowedAddresses.IsEmpty || config.AllowedAddresses.Any(subnet => subnet.Contains(address));
        reason = !isAllowed ? $"is not in ip.{AllowedParser.Key}" : seen.Contains(address) ? "is assigned twice" : null;
        return reason is null;
    }
}

/// <summary>The IPAM plugin of a configuration, known before the rest is, and whatever is wrong with that: DEL has to reach it.</summary>
internal static class IpamSettings
{
    /// <summary>
    /// The plugin's name (<c>ipam.type</c>); null: there is none. The router itself is none: ADD refuses it, so that there is
    /// nothing that it could be asked to take back.
    /// </summary>
    public static string? TypeOf(JsonElement config) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty("ipam", out JsonElement ipam)
        && JsonText.OfMember(ipam, "type") is { Length: > 0 } name && name != JsonText.OfMember(config, "type")
            ? name
            : null;
}
