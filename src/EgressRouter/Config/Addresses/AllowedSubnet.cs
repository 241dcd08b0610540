using System.Collections.Immutable;
using System.Net;

namespace EgressRouter.Config;

/// <summary>A subnet from which addresses may be requested or assigned by an IPAM plugin.</summary>
/// <param name="Network">The network address.</param>
/// <param name="PrefixLength">The prefix length in bits.</param>
public readonly record struct AllowedSubnet(IPAddress Network, int PrefixLength)
{
    /// <summary>Whether the subnet contains the address.</summary>
    public bool Contains(IPAddress address) =>
        address.AddressFamily == Network.AddressFamily && (PrefixLength == 0 || Subnet.Contains(Network, PrefixLength, address));

    /// <summary>The shortest prefix length of the subnets that contain the address, or null if none does.</summary>
    public static int? ShortestOf(ImmutableArray<AllowedSubnet> subnets, IPAddress address) =>
        subnets.Where(subnet => subnet.Contains(address)).Min(subnet => (int?)subnet.PrefixLength);

    /// <summary>The configuration's form: <c>192.168.12.0/24</c>.</summary>
    public override string ToString() => $"{Network}/{PrefixLength}";
}
