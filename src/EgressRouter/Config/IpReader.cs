using System.Collections.Immutable;

namespace EgressRouter.Config;

/// <summary>Reads <c>ip</c>.</summary>
internal static class IpReader
{
    public static IpSection Read(ObjectReader ip, FaultList faults)
    {
        KnownKeys.WarnUnknown(ip, KnownKeys.Ip, faults);
        // Null when the addresses are faulty: gateways and destinations are then judged by themselves, since every
        // complaint about another family would be about the same mistake again.
        ImmutableArray<EgressAddress>? addresses = AddressesReader.Read(ip, faults);
        return new IpSection(
            addresses ?? [],
            GatewayReader.Read(ip, addresses, faults),
            DestinationsReader.Read(ip, addresses, faults));
    }
}
