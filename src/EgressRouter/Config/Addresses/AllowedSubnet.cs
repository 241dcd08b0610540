using System.Collections.Immutable;
using System.Net;

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
