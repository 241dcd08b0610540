using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Cni;

namespace EgressRouter.Config;

/// <summary>An upper limit on the size of one configuration item.</summary>
/// <param name="Place">The item, as the reference documentation names it.</param>
/// <param name="Most">The largest accepted number.</param>
/// <param name="Unit">The unit of the number.</param>
internal sealed record Bound(string Place, int Most, string Unit = "entries")
{
    public bool Allows(int count, [NotNullWhen(false)] out string? reason)
    {
        reason = count <= Most ? null : string.Create(CultureInfo.InvariantCulture, $"{count} {Unit}; at most {Most}");
        return reason is null;
    }
}

/// <summary>
/// The limits on all input from configurations, runtimes and other plugins. They are far above practical needs: they stop the
/// author of a definition from keeping a node busy. ADD takes a second or two at most within these limits.
/// </summary>
internal static class Bounds
{
    /// <summary>The configuration on stdin, and the output of an IPAM plugin.</summary>
    public static readonly Bound Text = new("the configuration", CniBounds.TextBytes, "bytes");

    /// <summary>Nesting depth of objects and lists.</summary>
    public static readonly Bound Depth = new("objects and lists within each other", CniBounds.Depth, "levels");

    /// <summary>
    /// Egress addresses of one pod: configured, requested, or assigned by IPAM. The kernel compares each new one with all others.
    /// </summary>
    public static readonly Bound Addresses = new("ip.addresses", 1_000);

    /// <summary>Allowed subnets.</summary>
    public static readonly Bound Allowed = new("ip.allowedAddresses", 1_000);

    /// <summary>Gateways. Only one per family is valid; a longer list gets one error with its length.</summary>
    public static readonly Bound Gateways = new("ip.gateways", 100);

    /// <summary>Destinations of one pod, as a list or as text.</summary>
    public static readonly Bound Destinations = new(DestinationsParser.ListPath, 50_000);

    public static readonly Bound Pods = new("podIP", 1_000);

    public static readonly Bound Dns = new("dns.nameservers, dns.search, dns.options", 100);

    /// <summary>Each string of <c>dns</c>. A domain name has at most 253 characters (RFC 1035).</summary>
    public static readonly Bound DnsWord = new("a word of dns", 255, "characters");

    /// <summary>Addresses requested by the runtime.</summary>
    public static readonly Bound Requested = new("runtimeConfig.ips, args.cni.ips, IP of CNI_ARGS", Addresses.Most);

    public static readonly Bound Arguments = new("CNI_ARGS", 1_000);

    /// <summary>Addresses assigned by an IPAM plugin.</summary>
    public static readonly Bound FromIpam = new("addresses of an IPAM plugin", Addresses.Most);

    /// <summary>Each list of another plugin's result.</summary>
    public static readonly Bound Results = new("each list of prevResult, or of an IPAM plugin's result", CniBounds.ResultEntries);

    public static ImmutableArray<Bound> All { get; } =
        [Text, Depth, Addresses, Allowed, Gateways, Destinations, Pods, Dns, DnsWord, Requested, Arguments, FromIpam, Results];
}
