using System.Collections.Immutable;
using System.Net;

namespace EgressRouter.Config;

/// <summary>What <c>ip</c> says.</summary>
internal sealed record IpSection(
    ImmutableArray<EgressAddress> Addresses,
    ImmutableArray<IPAddress> Gateways,
    ImmutableArray<Destination> Destinations)
{
    /// <summary>Nothing, where <c>ip</c> is missing.</summary>
    public static readonly IpSection Empty = new([], [], []);
}
