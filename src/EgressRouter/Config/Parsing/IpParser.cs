using System.Collections.Immutable;
using System.Net;
using Cni;

namespace EgressRouter.Config;

/// <summary>Reads <c>ip</c>, or an entry of <c>podIP</c>.</summary>
internal static class IpParser
{
    private static readonly string[] _keysOfIpam = [AddressesParser.Key, GatewaysParser.Key, GatewaysParser.ListKey];

    /// <param name="wishes">What the runtime asks for in the place of what is written.</param>
    /// <param name="faults">Takes the faults.</param>
    public static IpSection Read(ObjectReader ip, RuntimeRequest wishes, ConfigErrors faults)
    {
        KnownKeys.WarnUnknown(ip, KnownKeys.Ip, faults);
        ImmutableArray<AllowedSubnet> allowed = AllowedParser.Read(ip, faults);
        bool isAskedOnly = !allowed.IsEmpty && ip.Value(AddressesParser.Key) is null;

        // Null when the addresses are faulty: gateways and destinations are then judged by themselves, since every
        // complaint about another family would be about the same mistake again.
        ImmutableArray<EgressAddress>? addresses = isAskedOnly ? [] : AddressesParser.Read(ip, faults);
        JsonPath path = ip.PathOf(AddressesParser.Key);
        if (!wishes.Addresses.IsEmpty)
        {
            addresses = RequestedAddresses.Choose(wishes.Addresses, addresses ?? [], allowed, ip.Path, faults);
            path = wishes.AddressesPath;
        }
        else if (isAskedOnly)
        {
            addresses = null;
            if (!wishes.ForAnyPod)
            {
                faults.Fault(path, null, $"is missing, and the runtime requests no address of {ip.PathOf(AllowedParser.Key)}");
            }
        }

        return new IpSection(
            ip.Path, path, addresses ?? [], GatewaysParser.Read(ip, addresses, faults), DestinationsParser.Read(ip, addresses, faults),
            allowed);
    }

    /// <summary>As <see cref="Read"/>, where an IPAM plugin gives addresses and gateways.</summary>
    public static IpSection ReadBesideIpam(ObjectReader ip, string type, ConfigErrors faults)
    {
        KnownKeys.WarnUnknown(ip, KnownKeys.Ip, faults);
        foreach (string key in _keysOfIpam)
        {
            if (ip.Value(key) is not null)
            {
                faults.Fault(ip.PathOf(key), null, $"\"{key}\" and \"ipam\" (\"{SafeText.Part(type)}\") are mutually exclusive");
            }
        }

        return IpSection.Empty with { Destinations = DestinationsParser.Read(ip, null, faults), Allowed = AllowedParser.Read(ip, faults) };
    }
}

/// <summary>
/// Reads <c>podIP</c>: an <c>ip</c> object for each pod, by the pod's name, exact or with a trailing <c>*</c>. The exact
/// name counts before the longest beginning. All are read, so that every mistake is told at once and not pod by pod.
/// </summary>
internal static class PodIpParser
{
    private const string Key = "podIP";

    /// <summary>What the pod's entry says, or for any pod what all say; nothing, with a fault, when there is none.</summary>
    /// <param name="wishes">The pod's name, and what is asked for it.</param>
    /// <param name="faults">Takes the faults.</param>
    public static ImmutableArray<IpSection> Read(ObjectReader pods, RuntimeRequest wishes, ConfigErrors faults)
    {
        string[] names = [.. pods.Names];
        if (!faults.IsWithin(Bounds.Pods, names.Length, Key))
        {
            return [IpSection.Empty];
        }

        foreach (string name in names.Where(name => name.Length == 0 || name.AsSpan(0, name.Length - 1).Contains('*')))
        {
            faults.Fault(pods.PathOf(name), null, "is not a pod name: '*' is allowed at the end only");
        }

        string? chosen = wishes.ForAnyPod ? null : Choose(names, wishes.PodName, faults);
        ImmutableArray<IpSection>.Builder sections = ImmutableArray.CreateBuilder<IpSection>();
        foreach (string name in names)
        {
            if (pods.Object(name) is ObjectReader ip)
            {
                IpSection read = IpParser.Read(ip, name == chosen ? wishes : RuntimeRequest.None, faults);
                if (wishes.ForAnyPod || name == chosen)
                {
                    sections.Add(read);
                }
            }
            else if (pods.Value(name) is null)
            {
                faults.Fault(pods.PathOf(name), "null", "expected object, got null");
            }
        }

        return sections.Count == 0 ? [IpSection.Empty] : sections.ToImmutable();
    }

    private static string? Choose(string[] names, string? pod, ConfigErrors faults)
    {
        if (pod is null)
        {
            faults.Fault(Key, null, "the runtime does not pass the pod's name (K8S_POD_NAME in CNI_ARGS)");
            return null;
        }

        string? chosen = names.Contains(pod) ? pod : names
            .Where(name => name.EndsWith('*') && pod.StartsWith(name[..^1], StringComparison.Ordinal))
            .MaxBy(name => name.Length);
        if (chosen is null)
        {
            faults.Fault(Key, null, $"has no entry for pod \"{SafeText.Part(pod)}\"");
        }

        return chosen;
    }
}

/// <summary>What <c>ip</c>, or an entry of <c>podIP</c>, says.</summary>
/// <param name="Path">Where it stands.</param>
/// <param name="AddressesPath">Where the addresses stand.</param>
/// <param name="Addresses">The egress addresses: those asked for, or those written.</param>
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
    public static readonly IpSection Empty = new("ip", JsonPath.Root.Member("ip").Member(AddressesParser.Key), [], [], [], []);
}
