using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Cni;

namespace EgressRouter.Config;

/// <summary>How much of one thing a definition may ask for.</summary>
/// <param name="Place">What it holds for, as the reference names it.</param>
/// <param name="Most">The number that is accepted still.</param>
/// <param name="Unit">What is counted.</param>
internal sealed record Bound(string Place, int Most, string Unit = "entries")
{
    /// <summary>Whether a count keeps to it, or the reason why not.</summary>
    public bool Allows(int count, [NotNullWhen(false)] out string? reason)
    {
        reason = count <= Most ? null : string.Create(CultureInfo.InvariantCulture, $"{count} {Unit}; at most {Most}");
        return reason is null;
    }
}

/// <summary>
/// Every bound of what a definition, a runtime or another plugin may ask for, in one table. They are far beyond what is of use:
/// whoever may write a definition must not keep a node busy by it. What keeps to them costs ADD a second or two at most.
/// </summary>
internal static class Bounds
{
    /// <summary>The configuration on stdin, also what an IPAM plugin prints.</summary>
    public static readonly Bound Text = new("the configuration", CniBounds.TextBytes, "bytes");

    /// <summary>Objects and lists within each other.</summary>
    public static readonly Bound Depth = new("objects and lists within each other", CniBounds.Depth, "levels");

    /// <summary>
    /// Egress addresses of one pod, be they written, asked for or given: the kernel compares each new one with all that are there.
    /// </summary>
    public static readonly Bound Addresses = new("ip.addresses", 1_000);

    /// <summary>Subnets that may be asked for.</summary>
    public static readonly Bound Allowed = new("ip.allowedAddresses", 1_000);

    /// <summary>One gateway of each family; more than two are told by their number alone.</summary>
    public static readonly Bound Gateways = new("ip.gateways", 100);

    /// <summary>Destinations of one pod, in either form.</summary>
    public static readonly Bound Destinations = new("ip.destinations", 50_000);

    /// <summary>Entries of <c>podIP</c>.</summary>
    public static readonly Bound Pods = new("podIP", 1_000);

    /// <summary>Each list of <c>dns</c>.</summary>
    public static readonly Bound Dns = new("dns.nameservers, dns.search, dns.options", 100);

    /// <summary>Each word of <c>dns</c>: a name has 253 characters at most (RFC 1035).</summary>
    public static readonly Bound DnsWord = new("a word of dns", 255, "characters");

    /// <summary>Addresses that the runtime asks for.</summary>
    public static readonly Bound Asked = new("runtimeConfig.ips, args.cni.ips, IP of CNI_ARGS", Addresses.Most);

    /// <summary>Arguments.</summary>
    public static readonly Bound Arguments = new("CNI_ARGS", 1_000);

    /// <summary>What an IPAM plugin gives.</summary>
    public static readonly Bound Given = new("addresses of an IPAM plugin", Addresses.Most);

    /// <summary>Each list of a result of other plugins.</summary>
    public static readonly Bound Results = new("each list of prevResult, or of an IPAM plugin's result", CniBounds.ResultEntries);

    /// <summary>All of them.</summary>
    public static ImmutableArray<Bound> All { get; } =
        [Text, Depth, Addresses, Allowed, Gateways, Destinations, Pods, Dns, DnsWord, Asked, Arguments, Given, Results];
}
