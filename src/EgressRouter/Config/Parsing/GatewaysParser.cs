using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Reads <c>ip.gateway</c>, one address, and <c>ip.gateways</c>, a list with one of each family.</summary>
internal static class GatewaysParser
{
    /// <summary>One gateway.</summary>
    public const string Key = "gateway";

    /// <summary>A list of them.</summary>
    public const string ListKey = "gateways";

    private const string Far = "is outside the subnet of the egress address; for an on-link gateway, write the address with /32 or /128";

    /// <param name="addresses">The egress addresses; null when they are faulty.</param>
    /// <param name="faults">Takes the faults.</param>
    public static ImmutableArray<IPAddress> Read(ObjectReader ip, ImmutableArray<EgressAddress>? addresses, FaultList faults)
    {
        ImmutableArray<IPAddress>.Builder gateways = ImmutableArray.CreateBuilder<IPAddress>();
        if (ip.Value(Key) is JsonElement gateway)
        {
            ReadOne(ip.PathOf(Key), gateway, addresses, gateways, faults);
        }

        int index = 0;
        foreach (JsonElement item in ip.List(ListKey, Bounds.Gateways, out _) ?? default)
        {
            ReadOne(ip.PathOf(ListKey).Item(index++), item, addresses, gateways, faults);
        }

        return gateways.ToImmutable();
    }

    /// <summary>Why it cannot be the gateway of these addresses; null if it can.</summary>
    public static string? WhyNot(IPAddress gateway, ImmutableArray<EgressAddress> addresses) =>
        WhyNotAny(gateway) ?? WhyNotAmong(gateway, addresses) ?? (IsFar(gateway, addresses) ? Far : null);

    private static void ReadOne(
        JsonPath path,
        JsonElement item,
        ImmutableArray<EgressAddress>? addresses,
        ImmutableArray<IPAddress>.Builder gateways,
        FaultList faults)
    {
        if (JsonText.Of(item) is not string text)
        {
            faults.WrongKind(path, item, "string");
            return;
        }

        if (text.Contains('/'))
        {
            faults.Fault(path, text, "must not have a prefix length");
            return;
        }

        if (!AddressText.TryParse(text, out IPAddress? gateway, out string? reason)
            || (reason = WhyNotAny(gateway)) is not null
            || (addresses is not null && (reason = WhyNotAmong(gateway, addresses.Value)) is not null))
        {
            faults.Fault(path, text, reason);
            return;
        }

        foreach (IPAddress other in gateways)
        {
            if (other.AddressFamily == gateway.AddressFamily)
            {
                faults.Fault(path, text, $"only one {gateway.AddressFamily.Text()} gateway is allowed (first: {other})");
                return;
            }
        }

        if (addresses is not null && IsFar(gateway, addresses.Value))
        {
            faults.Fault(path, text, Far);
            return;
        }

        gateways.Add(gateway);
    }

    private static string? WhyNotAny(IPAddress gateway)
    {
        AddressKind kind = AddressKinds.Of(gateway);
        // Link-local gateways are usual with IPv6, and not unheard of with IPv4.
        return kind is AddressKind.Unicast or AddressKind.Ipv4LinkLocal or AddressKind.Ipv6LinkLocal or AddressKind.Reserved
            ? null
            : $"{gateway} is {AddressKinds.Describe(kind)}, not a gateway";
    }

    private static string? WhyNotAmong(IPAddress gateway, ImmutableArray<EgressAddress> addresses)
    {
        bool hasFamily = false;
        foreach (EgressAddress address in addresses)
        {
            if (address.Address.AddressFamily != gateway.AddressFamily)
            {
                continue;
            }

            hasFamily = true;
            if (address.Address.Equals(gateway))
            {
                return $"{gateway} is the egress address itself";
            }

            if (address.PrefixLength is int length && Subnet.Contains(address.Address, length, gateway))
            {
                if (Subnet.IsNetworkAddress(gateway, length))
                {
                    return $"{gateway} is the network address of {address}, not a gateway";
                }

                if (Subnet.IsBroadcastAddress(gateway, length))
                {
                    return $"{gateway} is the broadcast address of {address}, not a gateway";
                }
            }
        }

        return hasFamily ? null : $"{gateway} is an {gateway.AddressFamily.Text()} address, but there is no {gateway.AddressFamily.Text()} egress address";
    }

    /// <summary>Whether the family's addresses all have a subnet, and the gateway is in none.</summary>
    private static bool IsFar(IPAddress gateway, ImmutableArray<EgressAddress> addresses)
    {
        if (gateway.IsIPv6LinkLocal)
        {
            return false;
        }

        foreach (EgressAddress address in addresses)
        {
            if (address.Address.AddressFamily != gateway.AddressFamily)
            {
                continue;
            }

            // A prefix that is the whole address says nothing of neighbours; one that is absent is inferred.
            if (address.PrefixLength is not int length
                || length == gateway.AddressFamily.AddressBits()
                || Subnet.Contains(address.Address, length, gateway))
            {
                return false;
            }
        }

        return true;
    }
}
