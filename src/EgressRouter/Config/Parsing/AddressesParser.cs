using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parses <c>ip.addresses</c>.</summary>
internal static class AddressesParser
{
    public const string Key = "addresses";

    /// <summary>The egress addresses, or null if there are none or any is invalid.</summary>
    public static ImmutableArray<EgressAddress>? Read(ObjectReader ip, ConfigErrors errors)
    {
        if (ip.List(Key, Bounds.Addresses, out int length) is not JsonElement.ArrayEnumerator items)
        {
            if (ip.Value(Key) is null)
            {
                KnownKeys.FaultMissing(ip, Key, KnownKeys.Ip, errors);
            }

            return null;
        }

        if (length == 0)
        {
            errors.Add(ip.PathOf(Key), null, "must have at least one entry");
            return null;
        }

        ImmutableArray<EgressAddress>.Builder addresses = ImmutableArray.CreateBuilder<EgressAddress>(length);
        var seen = new Dictionary<IPAddress, int>(length);
        int index = 0;
        foreach (JsonElement item in items)
        {
            JsonPath path = ip.PathOf(Key).Item(index);
            if (ReadOne(path, item, errors) is EgressAddress address)
            {
                if (seen.TryAdd(address.Address, index))
                {
                    addresses.Add(address);
                }
                else
                {
                    errors.Add(path, JsonText.Of(item), $"duplicates {ip.PathOf(Key).Item(seen[address.Address])}");
                }
            }

            index++;
        }

        return addresses.Count == length ? addresses.MoveToImmutable() : null;
    }

    private static EgressAddress? ReadOne(JsonPath path, JsonElement item, ConfigErrors errors)
    {
        if (JsonText.Of(item) is not string text)
        {
            errors.WrongKind(path, item, "string");
            return null;
        }

        if (!AddressText.TryParsePrefix(text, out IPAddress? address, out int? length, out string? reason)
            || !TryCheck(address, length, out reason))
        {
            errors.Add(path, text, reason);
            return null;
        }

        return new EgressAddress(address, length);
    }

    /// <summary>Whether the address can be an egress address, or the reason why not.</summary>
    public static bool TryCheck(IPAddress address, int? length, [NotNullWhen(false)] out string? reason)
    {
        AddressKind kind = AddressKinds.Of(address);
        reason = length switch
        {
            _ when kind != AddressKind.Unicast => $"{address} is {AddressKinds.Describe(kind)}, not an egress address",
            0 => "prefix length must be at least 1",
            int bits when Subnet.IsNetworkAddress(address, bits) =>
                $"{address} is the network address of its /{bits}, not an egress address",
            int bits when Subnet.IsBroadcastAddress(address, bits) =>
                $"{address} is the broadcast address of its /{bits}, not an egress address",
            _ => null,
        };
        return reason is null;
    }
}

/// <summary>Parses <c>ip.allowedAddresses</c>, a list of subnets and addresses.</summary>
internal static class AllowedParser
{
    public const string Key = "allowedAddresses";

    public static ImmutableArray<AllowedSubnet> Read(ObjectReader ip, ConfigErrors errors)
    {
        ImmutableArray<AllowedSubnet>.Builder subnets = ImmutableArray.CreateBuilder<AllowedSubnet>();
        int index = 0;
        foreach (JsonElement item in ip.List(Key, Bounds.Allowed, out _) ?? default)
        {
            JsonPath path = ip.PathOf(Key).Item(index++);
            if (JsonText.Of(item) is not string text)
            {
                errors.WrongKind(path, item, "string");
            }
            else if (!AddressText.TryParsePrefix(text, out IPAddress? address, out int? length, out string? reason))
            {
                errors.Add(path, text, reason);
            }
            else if (length is int bits && !address.Network(bits).Equals(address))
            {
                errors.Add(path, text, $"host bits set; did you mean {address.Network(bits)}/{bits}?");
            }
            else
            {
                subnets.Add(new AllowedSubnet(address, length ?? address.AddressFamily.AddressBits()));
            }
        }

        return subnets.ToImmutable();
    }
}

/// <summary>
/// Addresses requested by the runtime. They replace the configured addresses, and must be among them or within
/// <c>ip.allowedAddresses</c>.
/// </summary>
internal static class RequestedAddresses
{
    /// <summary>The addresses, or null if any is invalid or not allowed.</summary>
    public static ImmutableArray<EgressAddress>? Choose(
        ImmutableArray<RequestedValue> asked, ImmutableArray<EgressAddress> written, ImmutableArray<AllowedSubnet> allowed,
        JsonPath section,
        ConfigErrors errors)
    {
        ImmutableArray<EgressAddress>.Builder chosen = ImmutableArray.CreateBuilder<EgressAddress>(asked.Length);
        Dictionary<IPAddress, EgressAddress> own = written.ToDictionary(address => address.Address);
        var seen = new HashSet<IPAddress>();
        foreach (RequestedValue wish in asked)
        {
            if (!AddressText.TryParsePrefix(wish.Text, out IPAddress? address, out int? length, out string? reason)
                || !AddressesParser.TryCheck(address, length, out reason)
                || !TryCheck(address, length, own, allowed, section, out reason))
            {
                errors.Add(wish.Path, wish.Text, reason);
            }
            else if (!seen.Add(address))
            {
                errors.Add(wish.Path, wish.Text, "is requested twice");
            }
            else
            {
                // A configured address counts as an allowed subnet with its own prefix length (or a host prefix).
                int? least = own.TryGetValue(address, out EgressAddress one)
                    ? one.PrefixLength ?? address.AddressFamily.AddressBits()
                    : AllowedSubnet.ShortestOf(allowed, address);
                chosen.Add(new EgressAddress(address, length ?? one.PrefixLength, least));
            }
        }

        return chosen.Count == asked.Length ? chosen.MoveToImmutable() : null;
    }

    private static bool TryCheck(
        IPAddress address,
        int? length,
        Dictionary<IPAddress, EgressAddress> written,
        ImmutableArray<AllowedSubnet> allowed,
        JsonPath section,
        [NotNullWhen(false)] out string? reason)
    {
        if (written.TryGetValue(address, out EgressAddress other))
        {
            reason = length is null || other.PrefixLength is null || length == other.PrefixLength
                ? null
                : $"prefix length must be {other.PrefixLength}, as in {section}.addresses";
        }
        else
        {
            reason = allowed.Any(subnet => subnet.Contains(address))
                ? null
                : $"is not in {(written.Count == 0 ? "" : $"{section}.addresses or ")}{section}.{AllowedParser.Key}";
        }

        return reason is null;
    }
}
