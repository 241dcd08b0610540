using System.Collections.Immutable;
using Cni;

namespace EgressRouter.Config;

/// <summary>Reads <c>ip</c>, or an entry of <c>podIP</c>.</summary>
internal static class IpReader
{
    private static readonly string[] _keysOfIpam = [AddressesReader.Key, GatewayReader.Key, GatewayReader.ListKey];

    /// <param name="ip">The object.</param>
    /// <param name="wishes">What the runtime asks for in the place of what is written.</param>
    /// <param name="faults">Takes the faults.</param>
    public static IpSection Read(ObjectReader ip, RuntimeWishes wishes, FaultList faults)
    {
        KnownKeys.WarnUnknown(ip, KnownKeys.Ip, faults);
        ImmutableArray<AllowedSubnet> allowed = AllowedReader.Read(ip, faults);
        bool isAskedOnly = !allowed.IsEmpty && ip.Value(AddressesReader.Key) is null;

        // Null when the addresses are faulty: gateways and destinations are then judged by themselves, since every
        // complaint about another family would be about the same mistake again.
        ImmutableArray<EgressAddress>? addresses = isAskedOnly ? [] : AddressesReader.Read(ip, faults);
        JsonPath path = ip.PathOf(AddressesReader.Key);
        if (!wishes.Addresses.IsEmpty)
        {
            addresses = AskedAddresses.Choose(wishes.Addresses, addresses ?? [], allowed, ip.Path, faults);
            path = wishes.AddressesPath;
        }
        else if (isAskedOnly)
        {
            addresses = null;
            if (!wishes.ForAnyPod)
            {
                faults.Fault(path, null, $"is missing, and the runtime requests no address of {ip.PathOf(AllowedReader.Key)}");
            }
        }

        return new IpSection(
            ip.Path, path, addresses ?? [], GatewayReader.Read(ip, addresses, faults), DestinationsReader.Read(ip, addresses, faults), allowed);
    }

    /// <summary>As <see cref="Read"/>, where an IPAM plugin gives addresses and gateways.</summary>
    public static IpSection ReadBesideIpam(ObjectReader ip, string type, FaultList faults)
    {
        KnownKeys.WarnUnknown(ip, KnownKeys.Ip, faults);
        foreach (string key in _keysOfIpam)
        {
            if (ip.Value(key) is not null)
            {
                faults.Fault(ip.PathOf(key), null, $"\"{key}\" and \"ipam\" (\"{SafeText.Part(type)}\") are mutually exclusive");
            }
        }

        return IpSection.Empty with { Destinations = DestinationsReader.Read(ip, null, faults), Allowed = AllowedReader.Read(ip, faults) };
    }
}
