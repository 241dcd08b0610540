using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Cni;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Config;

/// <summary>Parses a whole configuration: each part once, then the constraints between parts.</summary>
internal static class ConfigParser
{
    // RFC 8200, section 5. The kernel disables IPv6 on a link with a smaller MTU.
    private const int MinIpv6Mtu = 1280;

    public static ConfigResult Read(JsonElement document, ImmutableArray<KeyValuePair<string, string>> args, bool forAnyPod)
    {
        var errors = new ConfigErrors();
        return errors.ToResult(
            ObjectReader.Open(document, errors) is ObjectReader config ? Read(config, args, forAnyPod, errors) : null, document);
    }

    private static RouterConfig Read(
        ObjectReader config, ImmutableArray<KeyValuePair<string, string>> args, bool forAnyPod, ConfigErrors errors)
    {
        (LinkKind kind, string? master, LinkSettings settings) = InterfaceParser.Read(config, errors);
        RuntimeRequest requested = RuntimeParser.Read(config, args, forAnyPod, errors);
        (MacAddress? mac, bool isStableMac) = MacParser.Read(config, kind, requested, errors);
        string? ipam = ReadIpam(config, errors);
        ImmutableArray<IpSection> sections = ReadIp(config, ipam, requested, errors);
        var result = new RouterConfig
        {
            Kind = kind,
            Master = master,
            Settings = settings with { HardwareAddress = mac },
            HasStableMac = isStableMac,
            IpamType = ipam,
            RequestedAddresses = ipam is null ? [] : AskedOfIpam(requested, sections[0].Allowed, errors),
            ClusterInterface = InterfaceParser.ReadLinkName(config, "clusterInterface", errors),
            AllowInbound = ReadInbound(config, errors),
            ConflictDetection = ConflictParser.Read(config, kind, errors),
            ConflictDetectionTimeout = ConflictParser.ReadTimeout(config, errors),
            Dns = DnsParser.Read(config, errors),
        };
        result = With(result, sections[0]) with { OtherPods = [.. sections[1..].Select(section => With(result, section))] };
        LogParser.Check(config, errors);
        foreach (ConfigError fault in ErrorsOfInterface(result).Concat(ErrorsOfHighAvailability(result, requested)))
        {
            errors.Add(fault.Path, fault.Text, fault.Reason);
        }

        KnownKeys.WarnUnknown(config, KnownKeys.Top, errors);
        return result;
    }

    /// <summary>The name of the IPAM plugin. The router itself is rejected: it would run itself without end.</summary>
    private static string? ReadIpam(ObjectReader config, ConfigErrors errors)
    {
        string? type = config.Object("ipam")?.Setting("type");
        if (type is not null && config.Value("type") is JsonElement own && type == JsonText.Of(own))
        {
            errors.Add("ipam.type", type, "must not be this plugin");
        }

        return type;
    }

    private static RouterConfig With(RouterConfig config, IpSection ip) => config with
    {
        IpPath = $"{ip.Path}",
        AddressesPath = $"{ip.AddressesPath}",
        AllowedAddresses = ip.Allowed,
        Addresses = ip.Addresses,
        HighAvailability = ip.HighAvailability,
        Gateways = ip.Gateways,
        Destinations = ip.Destinations,
    };

    /// <summary>
    /// Reads exactly one of <c>ip</c>, <c>podIP</c> and <c>ipam</c>; <c>ipam</c> allows <c>ip</c> without addresses. Returns more than
    /// one section only if the command concerns no particular pod.
    /// </summary>
    private static ImmutableArray<IpSection> ReadIp(ObjectReader config, string? ipam, RuntimeRequest requested, ConfigErrors errors)
    {
        if (config.Value("ipConfig") is JsonElement value)
        {
            errors.Unsupported("ipConfig", Raw(value), "is not supported; use \"ip\"");
        }

        bool hasPods = config.Value("podIP") is not null;
        IpSection section = IpSection.Empty;
        if (config.Object("ip") is ObjectReader ip)
        {
            section = ipam is null || hasPods ? IpParser.Read(ip, requested, errors) : IpParser.ReadBesideIpam(ip, ipam, errors);
        }
        else if (config.Value("ip") is null && config.Value("ipConfig") is null && ipam is null && !hasPods)
        {
            KnownKeys.FaultMissing(config, "ip", KnownKeys.Top, errors);
        }

        if (!hasPods)
        {
            return [section];
        }

        if (config.Value("ip") is not null)
        {
            errors.Add("ip", null, "\"ip\" and \"podIP\" are mutually exclusive");
        }

        if (ipam is not null)
        {
            errors.Add("ipam", null, "\"ipam\" and \"podIP\" are mutually exclusive");
        }

        return config.Object("podIP") is ObjectReader pods ? PodIpParser.Read(pods, requested, errors) : [section];
    }

    /// <summary>The addresses to request from the IPAM plugin. <c>ip.allowedAddresses</c> limits them, as without IPAM.</summary>
    private static ImmutableArray<IPAddress> AskedOfIpam(
        RuntimeRequest requested, ImmutableArray<AllowedSubnet> allowed, ConfigErrors errors) =>
        [.. (RequestedAddresses.Choose(requested.Addresses, [], allowed, "ip", errors) ?? []).Select(address => address.Address)];

    private static bool ReadInbound(ObjectReader config, ConfigErrors errors)
    {
        string? text = config.Setting("inbound");
        if (text is not (null or "deny" or "allow"))
        {
            errors.Add("inbound", text, "is not one of deny, allow");
        }

        return text == "allow";
    }

    /// <summary>What the addresses and the interface require of each other, also if an IPAM plugin assigns the addresses.</summary>
    public static IEnumerable<ConfigError> ErrorsOfInterface(RouterConfig config)
    {
        if (config.Settings.Mtu is int mtu and < MinIpv6Mtu
            && config.Addresses.FirstOrDefault(
                address => address.Address?.AddressFamily == AddressFamily.InterNetworkV6) is { Address: IPAddress address })
        {
            yield return new ConfigError(InterfaceParser.MtuPath, $"{mtu}", $"must be at least {MinIpv6Mtu} for IPv6 address {address}");
        }

        if (config.Kind.IsOnParentNetwork)
        {
            yield break;
        }

        // The node's routes by the parent are of another network.
        string required = $"is required for interfaceType {config.Kind.Name}";
        if (config.Master is null)
        {
            yield return new ConfigError(InterfaceParser.MasterPath, null, required);
        }

        foreach (EgressAddress bare in config.Addresses.Where(egress => egress.PrefixLength is null))
        {
            yield return new ConfigError(config.AddressesPath, bare.Address.ToString(), $"has no prefix length, which {required}");
        }

        foreach (AddressFamily family in Families.All.Where(family =>
            config.Addresses.Any(egress => egress.Address?.AddressFamily == family)
            && config.Gateways.All(gateway => gateway.AddressFamily != family)))
        {
            yield return new ConfigError($"{config.IpPath}.gateway", null, $"has no {family.Text()} gateway, which {required}");
        }
    }

    /// <summary>What pods that share their addresses require of the interface. They have one configuration, but not one request.</summary>
    private static IEnumerable<ConfigError> ErrorsOfHighAvailability(RouterConfig config, RuntimeRequest requested)
    {
        if (!config.HighAvailability && !config.OtherPods.Any(other => other.HighAvailability))
        {
            yield break;
        }

        string key = IpParser.HighAvailabilityKey;
        if (requested.Mac is null && (config.HasStableMac || config.Settings.HardwareAddress is not null))
        {
            string mac = config.HasStableMac ? "stable" : $"{config.Settings.HardwareAddress}";
            yield return new ConfigError(MacParser.Path, mac, $"does not go with {key}: all pods would have one hardware address");
        }

        if (config.Kind is Ipvlan { Mode: not "l2" })
        {
            yield return new ConfigError(
                InterfaceParser.ModePath, config.Kind.Mode, $"does not go with {key}: nobody would learn where an address is; use l2");
        }
    }

    /// <summary>The JSON text of a value in one line: the CNI specification requires it in the message.</summary>
    private static string? Raw(JsonElement value)
    {
        try
        {
            string text = JsonText.Of(value) ?? value.GetRawText();
            return string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
