using System.Collections.Immutable;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>A text of a legacy configuration, and the line of the file that it stands in.</summary>
/// <param name="Line">From 1; 0 where it stands in no file.</param>
internal sealed record LocatedText(int Line, string Text);

/// <summary>What a legacy router or an EgressRouter object says, in the terms of a network configuration.</summary>
internal sealed record LegacyRouter
{
    /// <summary>Its name: a name for Kubernetes objects.</summary>
    public required LocatedText Name { get; init; }

    /// <summary>Its namespace; null where none is named.</summary>
    public string? Namespace { get; init; }

    /// <summary>The parent; null: to be inferred.</summary>
    public LocatedText? Master { get; init; }

    /// <summary>The macvlan mode.</summary>
    public LocatedText? Mode { get; init; }

    /// <summary>The egress addresses.</summary>
    public ImmutableArray<LocatedText> Addresses { get; init; } = [];

    /// <summary>The gateways.</summary>
    public ImmutableArray<LocatedText> Gateways { get; init; } = [];

    /// <summary>The destinations, in the plugin's own grammar.</summary>
    public ImmutableArray<LocatedText> Destinations { get; init; } = [];

    /// <summary>Where connections to all other ports go.</summary>
    public LocatedText? Fallback { get; init; }

    /// <summary>The proxy; null where connections are redirected.</summary>
    public LegacyProxy? Proxy { get; init; }

    /// <summary>What else its object says; null where it is an environment.</summary>
    internal PodOrigin? Origin { get; init; }
}

/// <summary>What cannot be carried over.</summary>
/// <param name="Line">From 1; 0 where it stands in no file.</param>
/// <param name="Reason">Why not.</param>
internal sealed record LegacyFault(int Line, string Reason);

/// <summary>What was found in a file.</summary>
/// <param name="Faults">All that cannot be carried over; then the routers are not complete.</param>
internal sealed record LegacyResult(ImmutableArray<LegacyRouter> Routers, ImmutableArray<LegacyFault> Faults)
{
    /// <summary>What is not carried over, though the routers are complete without it, and why.</summary>
    public ImmutableArray<LegacyFault> Notes { get; init; } = [];

    /// <summary>The configuration of a router, or what the plugin itself would say of it.</summary>
    internal static ImmutableArray<LegacyFault> Check(LegacyRouter router)
    {
        if (router.Namespace is string space && !IsNamespace(space))
        {
            return [new LegacyFault(router.Name.Line,
                $"\"{space}\" is no name for a namespace: lower-case letters, digits and '-', at most 63")];
        }

        if (router.Name.Text is string wrong && !IsLabel(wrong))
        {
            return [new LegacyFault(router.Name.Line,
                $"\"{wrong}\" is no name for a Service: lower-case letters, digits and '-', at most 63, the first a letter")];
        }

        ConfigResult result = RouterConfig.Parse(LegacyManifest.ConfigOf(router), forAnyPod: true);
        return [.. result.Faults.Select(fault => new LegacyFault(LineOf(router, fault.Path),
            fault.Text is null ? $"{fault.Path}: {fault.Reason}" : $"\"{fault.Text}\": {fault.Reason}"))];
    }

    /// <summary>Whether it is a name that a namespace can have (RFC 1123): the first may be a digit.</summary>
    public static bool IsNamespace(string name)
    {
        return name.Length is > 0 and <= 63 && name[0] != '-' && IsLabel("a" + name[1..]);
    }

    /// <summary>Whether it is a name that all kinds of objects can have (RFC 1035, as Kubernetes reads it).</summary>
    public static bool IsLabel(string name)
    {
        return name.Length is > 0 and <= 63 && char.IsAsciiLetterLower(name[0]) && name[^1] != '-'
            && name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-');
    }

    private static int LineOf(LegacyRouter router, JsonPath path)
    {
        LocatedText? place = (path.Key, path.Index) switch
        {
            (AddressesParser.Key, int index) => router.Addresses[index],
            (GatewaysParser.ListKey, int index) => router.Gateways[index],
            (DestinationsParser.ListKey, int index) => router.Destinations[index],
            (DestinationsParser.FallbackKey, _) => router.Fallback,
            ("mode", _) => router.Mode,
            ("master", _) => router.Master,
            _ => null,
        };
        return (place ?? router.Name).Line;
    }
}
