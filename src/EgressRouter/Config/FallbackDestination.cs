using System.Net;

namespace EgressRouter.Config;

/// <summary>Everything that no port destination takes goes to this address, to the port that the client chose.</summary>
/// <param name="Address">A unicast IPv4 or IPv6 address.</param>
public sealed record FallbackDestination(IPAddress Address) : Destination(Address)
{
    /// <summary>The canonical text: the address.</summary>
    public override string ToString() => Address.ToString();
}
