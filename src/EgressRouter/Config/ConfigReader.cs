using System.Net.Sockets;
using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>Reads a whole configuration: every part once, then what holds between parts.</summary>
internal static class ConfigReader
{
    // RFC 8200, section 5: the kernel takes IPv6 off a link with a smaller one.
    private const int MinIpv6Mtu = 1280;

    public static ConfigResult Read(JsonElement document)
    {
        var faults = new FaultList();
        return faults.ToResult(ObjectReader.Open(document, faults) is ObjectReader config ? Read(config, faults) : null, document);
    }

    private static RouterConfig Read(ObjectReader config, FaultList faults)
    {
        (InterfaceMode mode, string? master, int? mtu) = InterfaceReader.Read(config, faults);
        IpSection ip = ReadIp(config, faults);
        var result = new RouterConfig
        {
            Mode = mode,
            Master = master,
            Mtu = mtu,
            Addresses = ip.Addresses,
            Gateways = ip.Gateways,
            Destinations = ip.Destinations,
            ClusterInterface = InterfaceReader.ReadLinkName(config, "clusterInterface", faults),
            AllowInbound = ReadInbound(config, faults),
            Dns = DnsReader.Read(config, faults),
        };
        LogReader.Check(config, faults);
        CheckIpam(config, faults);
        CheckMtu(result, faults);
        CheckMode(result, faults);
        KnownKeys.WarnUnknown(config, KnownKeys.Top, faults);
        return result;
    }

    private static IpSection ReadIp(ObjectReader config, FaultList faults)
    {
        bool isPlanned = false;
        foreach (string key in (ReadOnlySpan<string>)["podIP", "ipConfig"])
        {
            if (config.Value(key) is JsonElement value)
            {
                isPlanned = true;
                faults.Unsupported(key, Raw(value), "is not supported in this release, use \"ip\"");
            }
        }

        if (config.Object("ip") is ObjectReader ip)
        {
            return IpReader.Read(ip, faults);
        }

        if (config.Value("ip") is null && !isPlanned)
        {
            KnownKeys.FaultMissing(config, "ip", KnownKeys.Top, faults);
        }

        return IpSection.Empty;
    }

    private static bool ReadInbound(ObjectReader config, FaultList faults)
    {
        string? text = config.Setting("inbound");
        if (text is not (null or "deny" or "allow"))
        {
            faults.Fault("inbound", text, "is not one of deny, allow");
        }

        return text == "allow";
    }

    private static void CheckIpam(ObjectReader config, FaultList faults)
    {
        if (config.Object("ipam")?.Setting("type") is string type)
        {
            faults.Unsupported("ipam.type", type, "IPAM plugins are not supported in this release, use \"ip\"");
        }
    }

    private static void CheckMtu(RouterConfig config, FaultList faults)
    {
        if (config.Mtu is int mtu and < MinIpv6Mtu)
        {
            foreach (EgressAddress address in config.Addresses)
            {
                if (address.Address.AddressFamily == AddressFamily.InterNetworkV6)
                {
                    faults.Fault(
                        InterfaceReader.MtuPath,
                        $"{mtu}",
                        $"is below {MinIpv6Mtu}, the least for the IPv6 address {address.Address}");
                    return;
                }
            }
        }
    }

    /// <summary>
    /// In mode l3s the kernel takes what comes in through the node's rules and then hands it to the pod's programs, past
    /// the pod's own rules: nothing can be redirected, or kept out, there.
    /// </summary>
    private static void CheckMode(RouterConfig config, FaultList faults)
    {
        if (config.Mode != InterfaceMode.L3s)
        {
            return;
        }

        if (!config.Destinations.IsEmpty)
        {
            faults.Fault(InterfaceReader.ModePath, "l3s", "cannot redirect, because what comes in passes none of the pod's rules; with destinations use l2 or l3");
        }

        if (!config.AllowInbound)
        {
            faults.Fault(InterfaceReader.ModePath, "l3s", "cannot deny new connections from outside, because they pass none of the pod's rules; set \"inbound\" to \"allow\", or use l2 or l3");
        }
    }

    /// <summary>The JSON text of a value, on one line: the specification wants it in the message.</summary>
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
