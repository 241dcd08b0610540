using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Cni;

/// <summary>Writes results in the format of each specification version, with the members that the reference library writes.</summary>
internal static class ResultWriter
{
    public static void Write(Utf8JsonWriter json, CniResult result, CniVersion version)
    {
        json.WriteString("cniVersion", version.Text());
        ImmutableArray<CniRoute> routes = result.Routes.IsDefault || version >= CniVersion.V110
            ? result.Routes
            : [.. result.Routes.Where(route => route.Table is null or CniRoute.MainTable)];
        result = result with { Routes = routes };
        if (version <= CniVersion.V020)
        {
            WriteFamilies(json, result, version);
        }
        else
        {
            WriteList(json, "interfaces", result.Interfaces, item => WriteInterface(json, item, version));
            WriteList(json, "ips", result.Ips, item => WriteIp(json, item, version));
            WriteList(json, "routes", result.Routes, item => WriteRoute(json, item, version));
        }

        WriteDns(json, result.Dns, version);
    }

    /// <summary>0.1.0 and 0.2.0: one object per address family, with its first address and all its routes.</summary>
    private static void WriteFamilies(Utf8JsonWriter json, CniResult result, CniVersion version)
    {
        CniIp? ip4 = First(result.Ips, AddressFamily.InterNetwork);
        CniIp? ip6 = First(result.Ips, AddressFamily.InterNetworkV6);
        if (ip4 is null && ip6 is null)
        {
            throw new CniException(
                CniErrorCode.IncompatibleVersion,
                $"CNI {version.Text()} results require an IP address");
        }

        WriteFamily(json, "ip4", ip4, result.Routes, version);
        WriteFamily(json, "ip6", ip6, result.Routes, version);
    }

    private static CniIp? First(ImmutableArray<CniIp> ips, AddressFamily family)
    {
        foreach (CniIp ip in ips.IsDefault ? [] : ips)
        {
            if (ip.Address.AddressFamily == family)
            {
                return ip;
            }
        }

        return null;
    }

    private static void WriteFamily(
        Utf8JsonWriter json, string member, CniIp? ip, ImmutableArray<CniRoute> routes, CniVersion version)
    {
        if (ip is null)
        {
            return;
        }

        json.WriteStartObject(member);
        json.WriteString("ip", Network(ip.Address, ip.PrefixLength));
        WriteAddress(json, "gateway", ip.Gateway);
        ImmutableArray<CniRoute> ofFamily = routes.IsDefault
            ? []
            : [.. routes.Where(route => route.Destination.AddressFamily == ip.Address.AddressFamily)];
        WriteList(json, "routes", ofFamily, route => WriteRoute(json, route, version));
        json.WriteEndObject();
    }

    private static void WriteInterface(Utf8JsonWriter json, CniInterface item, CniVersion version)
    {
        json.WriteString("name", item.Name);
        WriteText(json, "mac", item.Mac);
        if (version >= CniVersion.V110)
        {
            WriteNumber(json, "mtu", item.Mtu);
        }

        WriteText(json, "sandbox", item.Sandbox);
        if (version >= CniVersion.V110)
        {
            WriteText(json, "socketPath", item.SocketPath);
            WriteText(json, "pciID", item.PciId);
        }
    }

    private static void WriteIp(Utf8JsonWriter json, CniIp item, CniVersion version)
    {
        if (version < CniVersion.V100)
        {
            json.WriteString("version", item.Address.AddressFamily == AddressFamily.InterNetwork ? "4" : "6");
        }

        WriteNumber(json, "interface", item.Interface);
        json.WriteString("address", Network(item.Address, item.PrefixLength));
        WriteAddress(json, "gateway", item.Gateway);
    }

    private static void WriteRoute(Utf8JsonWriter json, CniRoute item, CniVersion version)
    {
        json.WriteString("dst", Network(item.Destination, item.PrefixLength));
        WriteAddress(json, "gw", item.Gateway);
        if (version >= CniVersion.V110)
        {
            WriteNumber(json, "mtu", item.Mtu);
            WriteNumber(json, "advmss", item.AdvMss);
            WriteNumber(json, "priority", item.Priority);
            WriteNumber(json, "table", item.Table);
            WriteNumber(json, "scope", item.Scope);
        }
    }

    private static void WriteDns(Utf8JsonWriter json, CniDns? dns, CniVersion version)
    {
        bool empty = dns is null
            || (dns.Nameservers.IsDefaultOrEmpty && string.IsNullOrEmpty(dns.Domain)
                && dns.Search.IsDefaultOrEmpty && dns.Options.IsDefaultOrEmpty);
        if (empty && version >= CniVersion.V100)
        {
            return;
        }

        // Before 1.0.0 the reference library writes even an empty object; old readers may rely on it.
        json.WriteStartObject("dns");
        if (!empty)
        {
            WriteTexts(json, "nameservers", dns!.Nameservers);
            WriteText(json, "domain", dns.Domain);
            WriteTexts(json, "search", dns.Search);
            WriteTexts(json, "options", dns.Options);
        }

        json.WriteEndObject();
    }

    private static void WriteList<T>(Utf8JsonWriter json, string member, ImmutableArray<T> items, Action<T> write)
    {
        if (items.IsDefaultOrEmpty)
        {
            return;
        }

        json.WriteStartArray(member);
        foreach (T item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTexts(Utf8JsonWriter json, string member, ImmutableArray<string> items)
    {
        if (items.IsDefaultOrEmpty)
        {
            return;
        }

        json.WriteStartArray(member);
        foreach (string item in items)
        {
            json.WriteStringValue(item);
        }

        json.WriteEndArray();
    }

    private static void WriteText(Utf8JsonWriter json, string member, string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            json.WriteString(member, text);
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string member, long? number)
    {
        if (number is long value)
        {
            json.WriteNumber(member, value);
        }
    }

    private static void WriteAddress(Utf8JsonWriter json, string member, IPAddress? address)
    {
        if (address is not null)
        {
            json.WriteString(member, Text(address));
        }
    }

    private static string Network(IPAddress address, int prefixLength) => $"{Text(address)}/{prefixLength}";

    /// <summary>Omits an IPv6 zone such as <c>%2</c>: the specification has none, and Go's parser rejects it.</summary>
    private static string Text(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0
            ? new IPAddress(address.GetAddressBytes()).ToString()
            : address.ToString();
}
