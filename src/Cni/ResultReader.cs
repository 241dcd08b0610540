using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Cni;

/// <summary>Reads results of other plugins and runtimes; distinguishes the formats of the versions by their members.</summary>
/// <param name="what">The name of the result in errors.</param>
internal sealed class ResultReader(string what)
{
    public CniResult Read(JsonElement result)
    {
        if (result.ValueKind != JsonValueKind.Object)
        {
            throw Fault("", "is not an object");
        }

        var ips = new List<CniIp>(Each(result, ".ips", "ips", ReadIp));
        var routes = new List<CniRoute>(Each(result, ".routes", "routes", ReadRoute));

        // 0.1.0 and 0.2.0: one object per address family.
        foreach (string family in (ReadOnlySpan<string>)["ip4", "ip6"])
        {
            if (Member(result, family) is JsonElement old)
            {
                string path = "." + family;
                RequireObject(old, path);
                (IPAddress address, int length) = ReadNetwork(old, path, "ip") ?? throw Fault(path + ".ip", "is missing");
                ips.Add(new CniIp(address, length, ReadAddress(old, path, "gateway"), Interface: null));
                routes.AddRange(Each(old, path + ".routes", "routes", ReadRoute));
            }
        }

        return new CniResult([.. Each(result, ".interfaces", "interfaces", ReadInterface)], [.. ips], [.. routes], ReadDns(result));
    }

    private CniInterface ReadInterface(JsonElement item, string path) => new(
        ReadText(item, path, "name") ?? throw Fault(path + ".name", "is missing"),
        ReadText(item, path, "mac"),
        ReadText(item, path, "sandbox"),
        ReadNumber(item, path, "mtu"),
        ReadText(item, path, "socketPath"),
        ReadText(item, path, "pciID"));

    private CniIp ReadIp(JsonElement item, string path)
    {
        (IPAddress address, int length) = ReadNetwork(item, path, "address") ?? throw Fault(path + ".address", "is missing");
        return new CniIp(address, length, ReadAddress(item, path, "gateway"), ReadNumber(item, path, "interface"));
    }

    private CniRoute ReadRoute(JsonElement item, string path)
    {
        (IPAddress destination, int length) = ReadNetwork(item, path, "dst") ?? throw Fault(path + ".dst", "is missing");
        return new CniRoute(
            destination,
            length,
            ReadAddress(item, path, "gw"),
            ReadNumber(item, path, "mtu"),
            ReadUnsigned(item, path, "priority"),
            ReadUnsigned(item, path, "table"),
            ReadNumber(item, path, "scope"),
            ReadNumber(item, path, "advmss"));
    }

    private CniDns? ReadDns(JsonElement result)
    {
        if (Member(result, "dns") is not JsonElement dns)
        {
            return null;
        }

        RequireObject(dns, ".dns");
        return new CniDns(Texts("nameservers"), ReadText(dns, ".dns", "domain"), Texts("search"), Texts("options"));

        ImmutableArray<string> Texts(string key) => [.. EachItem(dns, ".dns." + key, key).Select(item =>
            item.Value.ValueKind == JsonValueKind.String ? item.Value.GetString()! : throw Fault(item.Path, "is not text"))];
    }

    private IEnumerable<T> Each<T>(JsonElement parent, string path, string key, Func<JsonElement, string, T> read)
    {
        foreach ((JsonElement item, string place) in EachItem(parent, path, key))
        {
            RequireObject(item, place);
            yield return read(item, place);
        }
    }

    private IEnumerable<(JsonElement Value, string Path)> EachItem(JsonElement parent, string path, string key)
    {
        if (Member(parent, key) is not JsonElement list)
        {
            yield break;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            throw Fault(path, "is not a list");
        }

        if (list.GetArrayLength() > CniBounds.ResultEntries)
        {
            throw Fault(path, $"has {list.GetArrayLength()} entries; at most {CniBounds.ResultEntries}");
        }

        int index = 0;
        foreach (JsonElement item in list.EnumerateArray())
        {
            yield return (item, string.Create(CultureInfo.InvariantCulture, $"{path}[{index++}]"));
        }
    }

    /// <summary>A member, or null if it is absent or JSON null.</summary>
    private static JsonElement? Member(JsonElement parent, string key) =>
        parent.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private string? ReadText(JsonElement parent, string path, string key)
    {
        if (Member(parent, key) is not JsonElement value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Fault($"{path}.{key}", "is not text");
    }

    private int? ReadNumber(JsonElement parent, string path, string key) => (int?)ReadWhole(parent, path, key, int.MinValue, int.MaxValue);

    private uint? ReadUnsigned(JsonElement parent, string path, string key) =>
        (uint?)ReadWhole(parent, path, key, uint.MinValue, uint.MaxValue);

    private long? ReadWhole(JsonElement parent, string path, string key, long least, long most)
    {
        if (Member(parent, key) is not JsonElement value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= least && number <= most
            ? number
            : throw Fault($"{path}.{key}", "is not a whole number of 32 bits");
    }

    private IPAddress? ReadAddress(JsonElement parent, string path, string key) =>
        ReadText(parent, path, key) is not { Length: > 0 } text ? null
        : StrictAddress.Parse(text) ?? throw Fault($"{path}.{key}", "is not an IP address");

    /// <summary>Reads an address with a prefix length. Multus writes the IPv6 default route as <c>::0/0</c>.</summary>
    private (IPAddress Address, int Length)? ReadNetwork(JsonElement parent, string path, string key)
    {
        if (ReadText(parent, path, key) is not string text)
        {
            return null;
        }

        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash >= 0 && StrictAddress.Parse(text.AsSpan(0, slash)) is IPAddress address
            && StrictAddress.ParseLength(text.AsSpan(slash + 1), address) is int length
            ? (address, length)
            : throw Fault($"{path}.{key}", "is not an IP address with a prefix length");
    }

    private void RequireObject(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Fault(path, "is not an object");
        }
    }

    /// <summary>Omits the value, because data of other plugins can be secret.</summary>
    private CniException Fault(string path, string reason) => new(CniErrorCode.InvalidConfig, $"{what}{path} {reason}");
}
