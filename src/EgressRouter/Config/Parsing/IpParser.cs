using System.Collections.Immutable;
using System.Net;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parses <c>ip</c>, or an entry of <c>podIP</c>.</summary>
internal static class IpParser
{
    public const string HighAvailabilityKey = "highAvailability";

    private static readonly string[] _keysOfIpam = [AddressesParser.Key, GatewaysParser.Key, GatewaysParser.ListKey];

    /// <param name="requested">The runtime's requests, which replace configured values.</param>
    public static IpSection Read(ObjectReader ip, RuntimeRequest requested, ConfigErrors errors)
    {
        KnownKeys.WarnUnknown(ip, KnownKeys.Ip, errors);
        ImmutableArray<AllowedSubnet> allowed = AllowedParser.Read(ip, errors);
        bool isAskedOnly = !allowed.IsEmpty && ip.Value(AddressesParser.Key) is null;

        // Null if the addresses are invalid: gateways and destinations are then not compared with them, since each family error
        // would repeat the same mistake.
        ImmutableArray<EgressAddress>? addresses = isAskedOnly ? [] : AddressesParser.Read(ip, errors);
        JsonPath path = ip.PathOf(AddressesParser.Key);
        if (!requested.Addresses.IsEmpty)
        {
            addresses = RequestedAddresses.Choose(requested.Addresses, addresses ?? [], allowed, ip.Path, errors);
            path = requested.AddressesPath;
        }
        else if (isAskedOnly)
        {
            addresses = null;
            if (!requested.ForAnyPod)
            {
                errors.Add(path, null, $"is missing, and the runtime requests no address of {ip.PathOf(AllowedParser.Key)}");
            }
        }

        return new IpSection(
            ip.Path, path, addresses ?? [], GatewaysParser.Read(ip, addresses, errors), DestinationsParser.Read(ip, addresses, errors),
            allowed, ip.Flag(HighAvailabilityKey));
    }

    /// <summary>As <see cref="Read"/>, if an IPAM plugin assigns addresses and gateways.</summary>
    public static IpSection ReadBesideIpam(ObjectReader ip, string type, ConfigErrors errors)
    {
        KnownKeys.WarnUnknown(ip, KnownKeys.Ip, errors);
        foreach (string key in _keysOfIpam)
        {
            if (ip.Value(key) is not null)
            {
                errors.Add(ip.PathOf(key), null, $"\"{key}\" and \"ipam\" (\"{SafeText.Part(type)}\") are mutually exclusive");
            }
        }

        if (ip.Flag(HighAvailabilityKey))
        {
            errors.Add(
                ip.PathOf(HighAvailabilityKey), "true",
                $"does not go with \"ipam\" (\"{SafeText.Part(type)}\"), which gives each pod addresses of its own");
        }

        return IpSection.Empty with { Destinations = DestinationsParser.Read(ip, null, errors), Allowed = AllowedParser.Read(ip, errors) };
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
    /// <param name="requested">The pod's name, and the values requested for it.</param>
    public static ImmutableArray<IpSection> Read(ObjectReader pods, RuntimeRequest requested, ConfigErrors errors)
    {
        string[] names = [.. pods.Names];
        if (!errors.IsWithin(Bounds.Pods, names.Length, Key))
        {
            return [IpSection.Empty];
        }

        foreach (string name in names.Where(name => name.Length == 0 || name.AsSpan(0, name.Length - 1).Contains('*')))
        {
            errors.Add(pods.PathOf(name), null, "is not a pod name: '*' is allowed at the end only");
        }

        string? chosen = requested.ForAnyPod ? null : Choose(names, requested.PodName, errors);
        ImmutableArray<IpSection>.Builder sections = ImmutableArray.CreateBuilder<IpSection>();
        foreach (string name in names)
        {
            if (pods.Object(name) is ObjectReader ip)
            {
                IpSection read = IpParser.Read(ip, name == chosen ? requested : RuntimeRequest.None, errors);
                if (requested.ForAnyPod || name == chosen)
                {
                    sections.Add(read);
                }
            }
            else if (pods.Value(name) is null)
            {
                errors.Add(pods.PathOf(name), "null", "expected object, got null");
            }
        }

        return sections.Count == 0 ? [IpSection.Empty] : sections.ToImmutable();
    }

    private static string? Choose(string[] names, string? pod, ConfigErrors errors)
    {
        if (pod is null)
        {
            errors.Add(Key, null, "the runtime does not pass the pod's name (K8S_POD_NAME in CNI_ARGS)");
            return null;
        }

        string? chosen = names.Contains(pod) ? pod : names
            .Where(name => name.EndsWith('*') && pod.StartsWith(name[..^1], StringComparison.Ordinal))
            .MaxBy(name => name.Length);
        if (chosen is null)
        {
            errors.Add(Key, null, $"has no entry for pod \"{SafeText.Part(pod)}\"");
        }

        return chosen;
    }
}

/// <summary>The content of <c>ip</c>, or of an entry of <c>podIP</c>.</summary>
/// <param name="AddressesPath">The path of the addresses.</param>
/// <param name="Addresses">The requested egress addresses, or the configured ones.</param>
/// <param name="Allowed">The subnets from which further addresses may be requested.</param>
/// <param name="HighAvailability">Whether several pods have the addresses, one at a time.</param>
internal sealed record IpSection(
    JsonPath Path,
    JsonPath AddressesPath,
    ImmutableArray<EgressAddress> Addresses,
    ImmutableArray<IPAddress> Gateways,
    ImmutableArray<Destination> Destinations,
    ImmutableArray<AllowedSubnet> Allowed,
    bool HighAvailability)
{
    /// <summary>An empty section, if <c>ip</c> is absent.</summary>
    public static readonly IpSection Empty = new("ip", JsonPath.Root.Member("ip").Member(AddressesParser.Key), [], [], [], [], false);
}
