using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parses <c>ip.gateway</c>, one address, and <c>ip.gateways</c>, a list with one address per family.</summary>
internal static class GatewaysParser
{
    public const string Key = "gateway";

    public const string ListKey = "gateways";

    /// <param name="addresses">The egress addresses, or null if they are invalid.</param>
    public static ImmutableArray<IPAddress> Read(ObjectReader ip, ImmutableArray<EgressAddress>? addresses, ConfigErrors errors)
    {
        ImmutableArray<IPAddress>.Builder gateways = ImmutableArray.CreateBuilder<IPAddress>();
        if (ip.Value(Key) is JsonElement gateway)
        {
            ReadOne(ip.PathOf(Key), gateway, addresses, gateways, errors);
        }

        int index = 0;
        foreach (JsonElement item in ip.List(ListKey, Bounds.Gateways, out _) ?? default)
        {
            ReadOne(ip.PathOf(ListKey).Item(index++), item, addresses, gateways, errors);
        }

        return gateways.ToImmutable();
    }

    /// <summary>Whether the address can be the gateway of these egress addresses, or the reason why not.</summary>
    public static bool TryCheck(IPAddress gateway, ImmutableArray<EgressAddress> addresses, [NotNullWhen(false)] out string? reason) =>
        TryCheckKind(gateway, out reason) && TryCheckAmong(gateway, addresses, out reason)
            && TryCheckSubnet(gateway, addresses, out reason);

    private static void ReadOne(
        JsonPath path,
        JsonElement item,
        ImmutableArray<EgressAddress>? addresses,
        ImmutableArray<IPAddress>.Builder gateways,
        ConfigErrors errors)
    {
        if (JsonText.Of(item) is not string text)
        {
            errors.WrongKind(path, item, "string");
            return;
        }

        if (text.Contains('/'))
        {
            errors.Add(path, text, "must not have a prefix length");
            return;
        }

        if (!AddressText.TryParse(text, out IPAddress? gateway, out string? reason)
            || !TryCheckKind(gateway, out reason)
            || (addresses is not null && !TryCheckAmong(gateway, addresses.Value, out reason)))
        {
            errors.Add(path, text, reason);
            return;
        }

        foreach (IPAddress other in gateways)
        {
            if (other.AddressFamily == gateway.AddressFamily)
            {
                errors.Add(path, text, $"only one {gateway.AddressFamily.Text()} gateway is allowed (first: {other})");
                return;
            }
        }

        if (addresses is not null && !TryCheckSubnet(gateway, addresses.Value, out reason))
        {
            errors.Add(path, text, reason);
            return;
        }

        gateways.Add(gateway);
    }

    private static bool TryCheckKind(IPAddress gateway, [NotNullWhen(false)] out string? reason)
    {
        AddressKind kind = AddressKinds.Of(gateway);
        // Link-local gateways are common with IPv6 and occur with IPv4.
        reason = kind is AddressKind.Unicast or AddressKind.Ipv4LinkLocal or AddressKind.Ipv6LinkLocal or AddressKind.Reserved
            ? null
            : $"{gateway} is {AddressKinds.Describe(kind)}, not a gateway";
        return reason is null;
    }

    private static bool TryCheckAmong(IPAddress gateway, ImmutableArray<EgressAddress> addresses, [NotNullWhen(false)] out string? reason)
    {
        string family = gateway.AddressFamily.Text();
        reason = $"{gateway} is an {family} address, but there is no {family} egress address";
        foreach (EgressAddress address in addresses.Where(address => address.Address.AddressFamily == gateway.AddressFamily))
        {
            int? length = address.PrefixLength is int bits && Subnet.Contains(address.Address, bits, gateway) ? bits : null;
            reason = address.Address.Equals(gateway) ? $"{gateway} is the egress address itself"
                : length is int network && Subnet.IsNetworkAddress(gateway, network)
                ? $"{gateway} is the network address of {address}, not a gateway"
                : length is int ended && Subnet.IsBroadcastAddress(gateway, ended)
                ? $"{gateway} is the broadcast address of {address}, not a gateway"
                : null;
            if (reason is not null)
            {
                return false;
            }
        }

        return reason is null;
    }

    /// <summary>Fails if all addresses of the family have a subnet and none contains the gateway.</summary>
    private static bool TryCheckSubnet(IPAddress gateway, ImmutableArray<EgressAddress> addresses, [NotNullWhen(false)] out string? reason)
    {
        // A host prefix (/32, /128) does not define a subnet, and an absent prefix is inferred later.
        bool isNear = gateway.IsIPv6LinkLocal || addresses.Any(address => address.Address.AddressFamily == gateway.AddressFamily
            && (address.PrefixLength is not int length || length == gateway.AddressFamily.AddressBits() || Subnet.Contains(address.Address,
                length, gateway)));
        reason = isNear ? null : "is outside the subnet of the egress address; for an on-link gateway, write the address with /32 or /128";
        return isNear;
    }
}
