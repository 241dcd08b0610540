using System.Collections.Immutable;
using System.Net;

namespace EgressRouter.Config;

/// <summary>What <c>ip</c>, or an entry of <c>podIP</c>, says.</summary>
/// <param name="Path">Where it stands.</param>
/// <param name="AddressesPath">Where the addresses stand.</param>
/// <param name="Addresses">The egress addresses: those asked for, or those written.</param>
/// <param name="Gateways">The gateways.</param>
/// <param name="Destinations">The destinations.</param>
/// <param name="Allowed">What may be asked for besides what is written.</param>
internal sealed record IpSection(
    JsonPath Path,
    JsonPath AddressesPath,
    ImmutableArray<EgressAddress> Addresses,
    ImmutableArray<IPAddress> Gateways,
    ImmutableArray<Destination> Destinations,
    ImmutableArray<AllowedSubnet> Allowed)
{
    /// <summary>Nothing, where <c>ip</c> is missing.</summary>
    public static readonly IpSection Empty = new("ip", JsonPath.Root.Member("ip").Member(AddressesReader.Key), [], [], [], []);
}
