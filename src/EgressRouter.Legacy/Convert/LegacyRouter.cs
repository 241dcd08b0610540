using System.Collections.Immutable;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>A text of a legacy configuration, and its line in the file.</summary>
/// <param name="Line">From 1, or 0 if the text comes from no file.</param>
internal sealed record LocatedText(int Line, string Text);

/// <summary>A legacy router or an EgressRouter object, in the terms of a network configuration.</summary>
internal sealed record LegacyRouter
{
    /// <summary>The router's name, which its Kubernetes objects get too.</summary>
    public required LocatedText Name { get; init; }

    /// <summary>The router's namespace, or null if none is set.</summary>
    public string? Namespace { get; init; }

    /// <summary>The parent, or null to infer it.</summary>
    public LocatedText? Master { get; init; }

    public LocatedText? Mode { get; init; }

    public ImmutableArray<LocatedText> Addresses { get; init; } = [];

    public ImmutableArray<LocatedText> Gateways { get; init; } = [];

    /// <summary>The destinations, in the plugin's own grammar.</summary>
    public ImmutableArray<LocatedText> Destinations { get; init; } = [];

    /// <summary>The destination of connections to all other ports.</summary>
    public LocatedText? Fallback { get; init; }

    /// <summary>The proxy, or null if connections are redirected.</summary>
    public LegacyProxy? Proxy { get; init; }

    /// <summary>1, or 2: a pair, of which one pod holds the addresses.</summary>
    public int Replicas { get; init; } = 1;

    public bool IsPair => Replicas > 1;

    /// <summary>The rest of its object, or null if it comes from an environment.</summary>
    internal PodOrigin? Origin { get; init; }
}

/// <summary>A part that cannot be carried over.</summary>
/// <param name="Line">From 1, or 0 if the part comes from no file.</param>
/// <param name="Reason">Why it cannot be carried over.</param>
internal sealed record LegacyFault(int Line, string Reason);

/// <summary>The routers and faults of a file.</summary>
/// <param name="Faults">All parts that cannot be carried over; if there are any, the routers are incomplete.</param>
internal sealed record LegacyResult(ImmutableArray<LegacyRouter> Routers, ImmutableArray<LegacyFault> Faults)
{
    /// <summary>The parts that are not carried over but that the routers do not need, with reasons.</summary>
    public ImmutableArray<LegacyFault> Notes { get; init; } = [];

    /// <summary>Returns the routers with at least so many replicas, with the faults of those that cannot be a pair.</summary>
    public LegacyResult WithReplicas(int replicas)
    {
        ImmutableArray<LegacyRouter> all = [.. Routers.Select(router => router with { Replicas = Math.Max(router.Replicas, replicas) })];
        return this with
        {
            Routers = all,
            Faults = [.. Faults.Union(all.SelectMany(router => PairText.FaultsOf(router)))],
        };
    }

    /// <summary>Returns the faults of the router's names, or those of its configuration and of a pair.</summary>
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
        return
        [
            .. result.Errors.Select(fault => new LegacyFault(LineOf(router, fault.Path),
                fault.Text is null ? $"{fault.Path}: {fault.Reason}" : $"\"{fault.Text}\": {fault.Reason}")),
            .. PairText.FaultsOf(router),
        ];
    }

    /// <summary>Whether a name is valid for a namespace (RFC 1123), which may begin with a digit.</summary>
    public static bool IsNamespace(string name)
    {
        return name.Length is > 0 and <= 63 && name[0] != '-' && IsLabel("a" + name[1..]);
    }

    /// <summary>Whether a name is valid for all kinds of objects (RFC 1035, as Kubernetes applies it).</summary>
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
