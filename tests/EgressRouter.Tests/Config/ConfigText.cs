using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EgressRouter.Config;
using Netlink.Routing;
using Shared;

namespace EgressRouter.Tests.Config;

/// <summary>Reads configurations from files, and formats results for golden files.</summary>
internal static class ConfigText
{
    public static ConfigResult ParseFile(params string[] parts) => Parse(File.ReadAllText(Repository.PathOf(parts)));

    public static ConfigResult Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return RouterConfig.Parse(document.RootElement, ArgsOf(document.RootElement));
    }

    /// <summary>The test files also hold CNI_ARGS, under a key that no configuration has.</summary>
    private static ImmutableArray<KeyValuePair<string, string>> ArgsOf(JsonElement config) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty("cni.dev/test-args", out JsonElement args)
            ? [.. args.EnumerateObject().Select(pair => KeyValuePair.Create(pair.Name, pair.Value.GetString()!))]
            : [];

    public static TheoryData<string> Names(params string[] folder) =>
        [.. Directory.GetFiles(Repository.PathOf(folder), "*.json")
            .Select(file => Path.GetFileNameWithoutExtension(file))
            .Order(StringComparer.Ordinal)];

    public static string Print(ConfigResult result)
    {
        var text = new StringBuilder();
        if (result.Config is RouterConfig config)
        {
            Line(
                text, "interface",
                CultureInfo.InvariantCulture.TextInfo.ToTitleCase(
                    $"{config.Kind.Name} {(config.Kind is Vlan vlan ? vlan.Id : config.Kind.Mode)}"));
            Line(text, "master", config.Master);
            Line(text, "mtu", config.Settings.Mtu?.ToString(CultureInfo.InvariantCulture));
            Line(text, "txqueuelen", config.Settings.TxQueueLength?.ToString(CultureInfo.InvariantCulture));
            Line(text, "cluster interface", config.ClusterInterface);
            Line(text, "inbound", config.AllowInbound ? "allow" : null);
            Line(text, "hardware address", config.HasStableMac ? "stable" : config.Settings.HardwareAddress?.ToString());
            Line(text, "IPAM plugin", config.IpamType);
            Line(text, "addresses from", config.AddressesPath == "ip.addresses" ? null : config.AddressesPath);
            Lines(text, "address asked of the plugin", config.RequestedAddresses);
            Lines(text, "allowed", config.AllowedAddresses);
            Line(
                text, "conflict detection",
                config.ConflictDetection == ConflictDetection.Off ? null
                    : $"{config.ConflictDetection}, {config.ConflictDetectionTimeout.TotalMilliseconds} ms");
            Line(text, "high availability", config.HighAvailability ? "yes" : null);
            Lines(text, "address", config.Addresses);
            Lines(text, "gateway", config.Gateways);
            Lines(text, "destination", config.Destinations);
            Lines(text, "nameserver", config.Dns?.Nameservers ?? []);
            Line(text, "domain", config.Dns?.Domain);
            Lines(text, "search", config.Dns?.Search ?? []);
            Lines(text, "option", config.Dns?.Options ?? []);
        }

        Lines(text, "fault", result.Errors.Select(fault => fault.UnsupportedValue ? $"{fault} (unsupported)" : fault.ToString()));
        Lines(text, "warning", result.Warnings);
        return text.ToString();
    }

    private static void Lines<T>(StringBuilder text, string name, IEnumerable<T> values)
    {
        foreach (T value in values)
        {
            Line(text, name, value?.ToString());
        }
    }

    private static void Line(StringBuilder text, string name, string? value)
    {
        if (value is not null)
        {
            text.Append(name).Append(": ").Append(value).Append('\n');
        }
    }
}
