using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Replaces <c>ip.addresses</c> and <c>ip.gateways</c> with the result of an IPAM plugin.</summary>
internal static class IpamAddresses
{
    public static ConfigResult Apply(RouterConfig config, ImmutableArray<CniIp> ips)
    {
        string path = $"the result of IPAM plugin {config.IpamType}";
        if (!Bounds.FromIpam.Allows(ips.Length, out string? many))
        {
            return new ConfigResult(null, [new ConfigError(path, null, many)], []);
        }

        var errors = new List<ConfigError>();
        HashSet<IPAddress> asked = [.. config.RequestedAddresses];
        var seen = new HashSet<IPAddress>();
        var addresses = new List<EgressAddress>();
        var gateways = new List<IPAddress>();
        foreach (CniIp ip in ips)
        {
            // Some plugins return a requested address with the requested prefix length.
            var address = new EgressAddress(
                ip.Address, ip.PrefixLength,
                asked.Contains(ip.Address) ? AllowedSubnet.ShortestOf(config.AllowedAddresses, ip.Address) : null);
            if (!AddressesParser.TryCheck(ip.Address, ip.PrefixLength, out string? reason)
                || !TryCheck(ip.Address, config, seen, out reason))
            {
                errors.Add(new ConfigError(path, address.ToString(), reason));
            }

            seen.Add(ip.Address);
            addresses.Add(address);
            if (ip.Gateway is IPAddress gateway && gateways.All(other => other.AddressFamily != gateway.AddressFamily))
            {
                gateways.Add(gateway);
            }
        }

        // Gateways cannot be checked against invalid addresses.
        foreach (IPAddress gateway in errors.Count > 0 ? [] : gateways)
        {
            if (!GatewaysParser.TryCheck(gateway, [.. addresses], out string? reason))
            {
                errors.Add(new ConfigError(path, gateway.ToString(), reason));
            }
        }

        if (addresses.Count == 0)
        {
            errors.Add(new ConfigError(path, null, "has no address"));
        }

        foreach (IPAddress missing in config.RequestedAddresses.Where(address => !seen.Contains(address)))
        {
            errors.Add(new ConfigError(path, null, $"has no {missing}, which was requested"));
        }

        var reachable = new ReachableDestinations(addresses);
        foreach (Destination destination in errors.Count > 0 ? [] : config.Destinations)
        {
            if (!reachable.TryCheck(destination, out string? reason))
            {
                errors.Add(new ConfigError(DestinationsParser.ListPath, destination.ToString(), reason));
            }
        }

        RouterConfig complete = config with { Addresses = [.. addresses], Gateways = [.. gateways], AddressesPath = path };
        errors.AddRange(ConfigParser.ErrorsOfInterface(complete));
        return new ConfigResult(
            errors.Count > 0 ? null : complete,
            [.. errors],
            []);
    }

    private static bool TryCheck(IPAddress address, RouterConfig config, HashSet<IPAddress> seen, [NotNullWhen(false)] out string? reason)
    {
        bool isAllowed = config.AllowedAddresses.IsEmpty || config.AllowedAddresses.Any(subnet => subnet.Contains(address));
        reason = !isAllowed ? $"is not in ip.{AllowedParser.Key}" : seen.Contains(address) ? "is assigned twice" : null;
        return reason is null;
    }
}

/// <summary>Reads the IPAM plugin before full validation, because DEL must call it even if the configuration is invalid.</summary>
internal static class IpamSettings
{
    /// <summary>
    /// The plugin's name (<c>ipam.type</c>), or null if there is none. The router's own type counts as none: ADD rejects it, so DEL
    /// has nothing to release.
    /// </summary>
    public static string? TypeOf(JsonElement config) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty("ipam", out JsonElement ipam)
        && JsonText.OfMember(ipam, "type") is { Length: > 0 } name && name != JsonText.OfMember(config, "type")
            ? name
            : null;
}
