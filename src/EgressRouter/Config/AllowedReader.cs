using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Addresses that may be asked for, or given by an IPAM plugin.</summary>
/// <param name="Network">An address of the subnet.</param>
/// <param name="PrefixLength">In bits.</param>
public readonly record struct AllowedSubnet(IPAddress Network, int PrefixLength)
{
    /// <summary>Whether the address is one of them.</summary>
    public bool Contains(IPAddress address) =>
        address.AddressFamily == Network.AddressFamily && (PrefixLength == 0 || Subnet.Contains(Network, PrefixLength, address));

    /// <summary>The shortest prefix length of those that an address is in; null: it is in none.</summary>
    public static int? ShortestOf(ImmutableArray<AllowedSubnet> subnets, IPAddress address) =>
        subnets.Where(subnet => subnet.Contains(address)).Min(subnet => (int?)subnet.PrefixLength);

    /// <summary>As in the configuration.</summary>
    public override string ToString() => $"{Network}/{PrefixLength}";
}

/// <summary>Reads <c>ip.allowedAddresses</c>, a list of subnets and addresses.</summary>
internal static class AllowedReader
{
    public const string Key = "allowedAddresses";

    public static ImmutableArray<AllowedSubnet> Read(ObjectReader ip, FaultList faults)
    {
        ImmutableArray<AllowedSubnet>.Builder subnets = ImmutableArray.CreateBuilder<AllowedSubnet>();
        int index = 0;
        foreach (JsonElement item in ip.List(Key, Bounds.Allowed, out _) ?? default)
        {
            JsonPath path = ip.PathOf(Key).Item(index++);
            if (JsonText.Of(item) is not string text)
            {
                faults.WrongKind(path, item, "string");
            }
            else if (!AddressText.TryParsePrefix(text, out IPAddress? address, out int? length, out string? reason))
            {
                faults.Fault(path, text, reason);
            }
            else if (length is int bits && !address.Network(bits).Equals(address))
            {
                faults.Fault(path, text, $"host bits set; did you mean {address.Network(bits)}/{bits}?");
            }
            else
            {
                subnets.Add(new AllowedSubnet(address, length ?? address.AddressFamily.AddressBits()));
            }
        }

        return subnets.ToImmutable();
    }
}
