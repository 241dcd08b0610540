using System.Collections.Immutable;
using System.Net;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parses <c>ip</c>, or an entry of <c>podIP</c>.</summary>
internal static class IpParser
{
    private static readonly string[] _keysOfIpam = [AddressesParser.Key, GatewaysParser.Key, GatewaysParser.ListKey];

    /// <param name="wishes">The runtime's requests, which replace configured values.</param>
    public static IpSection Read(ObjectReader ip, RuntimeRequest wishes, ConfigErrors faults)
    {
        KnownKeys.WarnUnknown(ip, KnownKeys.Ip, faults);
        ImmutableArray<AllowedSubnet> allowed = AllowedParser.Read(ip, faults);
        bool isAskedOnly = !allowed.IsEmpty && ip.Value(AddressesParser.Key) is null;

        // Null if the addresses are invalid: gateways and destinations are then not compared with them, since each family error
        // would repeat the same mistake.
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

    /// <summary>As <see cref="Read"/>, if an IPAM plugin assigns addresses and gateways.</summary>
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
/// Parses <c>podIP</c>: an <c>ip</c> object per pod name, exact or with a trailing <c>*</c>. An exact match takes precedence
/// over the longest prefix match. All entries are parsed, to report all mistakes at once.
/// </summary>
internal static class PodIpParser
{
    private const string Key = "podIP";

    /// <summary>The pod's section, or all sections for any pod; an empty section with an error if there is none.</summary>
    /// <param name="wishes">The pod's name, and the values requested for it.</param>
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

/// <summary>The content of <c>ip</c>, or of an entry of <c>podIP</c>.</summary>
/// <param name="AddressesPath">The path of the addresses.</param>
/// <param name="Addresses">The requested egress addresses, or the configured ones.</param>
/// <param name="Allowed">The subnets from which further addresses may be requested.</param>
internal sealed record IpSection(
    JsonPath Path,
    JsonPath AddressesPath,
    ImmutableArray<EgressAddress> Addresses,
    ImmutableArray<IPAddress> Gateways,
    ImmutableArray<Destination> Destinations,
    ImmutableArray<AllowedSubnet> Allowed)
{
    /// <summary>An empty section, if <c>ip</c> is absent.</summary>
    public static readonly IpSection Empty = new("ip", JsonPath.Root.Member("ip").Member(AddressesParser.Key), [], [], [], []);
}
