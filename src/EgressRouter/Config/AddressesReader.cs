using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Reads <c>ip.addresses</c>.</summary>
internal static class AddressesReader
{
    public const string Key = "addresses";

    /// <summary>The egress addresses; null when any of them is faulty or there are none.</summary>
    public static ImmutableArray<EgressAddress>? Read(ObjectReader ip, FaultList faults)
    {
        if (ip.List(Key, Bounds.Addresses, out int length) is not JsonElement.ArrayEnumerator items)
        {
            if (ip.Value(Key) is null)
            {
                KnownKeys.FaultMissing(ip, Key, KnownKeys.Ip, faults);
            }

            return null;
        }

        if (length == 0)
        {
            faults.Fault(ip.PathOf(Key), null, "must have at least one entry");
            return null;
        }

        ImmutableArray<EgressAddress>.Builder addresses = ImmutableArray.CreateBuilder<EgressAddress>(length);
        var seen = new Dictionary<IPAddress, int>(length);
        int index = 0;
        foreach (JsonElement item in items)
        {
            JsonPath path = ip.PathOf(Key).Item(index);
            if (ReadOne(path, item, faults) is EgressAddress address)
            {
                if (seen.TryAdd(address.Address, index))
                {
                    addresses.Add(address);
                }
                else
                {
                    faults.Fault(path, JsonText.Of(item), $"duplicates {ip.PathOf(Key).Item(seen[address.Address])}");
                }
            }

            index++;
        }

        return addresses.Count == length ? addresses.MoveToImmutable() : null;
    }

    private static EgressAddress? ReadOne(JsonPath path, JsonElement item, FaultList faults)
    {
        if (JsonText.Of(item) is not string text)
        {
            faults.WrongKind(path, item, "string");
            return null;
        }

        if (!AddressText.TryParsePrefix(text, out IPAddress? address, out int? length, out string? reason)
            || (reason = WhyNot(address, length)) is not null)
        {
            faults.Fault(path, text, reason);
            return null;
        }

        return new EgressAddress(address, length);
    }

    /// <summary>Why it cannot be an egress address; null if it can.</summary>
    public static string? WhyNot(IPAddress address, int? length)
    {
        AddressKind kind = AddressKinds.Of(address);
        if (kind != AddressKind.Unicast)
        {
            return $"{address} is {AddressKinds.Describe(kind)}, not an egress address";
        }

        return length switch
        {
            null => null,
            0 => "prefix length must be at least 1",
            int bits when Subnet.IsNetworkAddress(address, bits) =>
                $"{address} is the network address of its /{bits}, not an egress address",
            int bits when Subnet.IsBroadcastAddress(address, bits) =>
                $"{address} is the broadcast address of its /{bits}, not an egress address",
            _ => null,
        };
    }
}
