using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>The properties of the proxies' pod that their configurations depend on.</summary>
internal sealed record ProxyPod
{
    /// <summary>The egress addresses, at least one: outgoing connections must have one of them as their source.</summary>
    public required ImmutableArray<IPAddress> Sources { get; init; }

    /// <summary>The addresses of the other interfaces, to which clients connect.</summary>
    public required ImmutableArray<IPAddress> ClusterAddresses { get; init; }

    /// <summary>All addresses of the pod except loopback, including link-local ones.</summary>
    public required ImmutableArray<IPAddress> Own { get; init; }

    /// <summary>The loopback addresses, to which <c>kubectl port-forward</c> connects.</summary>
    public ImmutableArray<IPAddress> Loopback { get; init; } = [];

    /// <summary>The networks that the pod reaches through other interfaces than the egress one: the cluster's networks.</summary>
    public AddressSet Elsewhere { get; init; } = AddressSet.None;

    public ImmutableArray<IPAddress> Nameservers { get; init; } = [];

    /// <summary>The maximum number of open files; the proxies allocate memory for as many.</summary>
    public int MaxFiles { get; init; } = 262144;

    /// <summary>The folder of configurations and sockets: an absolute path of letters, digits and "/-_.".</summary>
    public required string Directory { get; init; }

    /// <summary>Returns the first egress address of a family, or null if the family has none.</summary>
    public IPAddress? SourceOf(AddressFamily family) => Sources.FirstOrDefault(address => address.AddressFamily == family);

    /// <summary>Whether an egress address can send to an address; if not, the reason.</summary>
    public bool CanReach(IPAddress address, [NotNullWhen(false)] out string? reason)
    {
        string family = address.AddressFamily.Text();
        int bits = address.AddressFamily.AddressBits();
        reason = SourceOf(address.AddressFamily) is null ? $"{address} is an {family} address, but there is no {family} egress address"
            : Itself.Contains(address, bits) ? $"{address} is the pod itself"
            : Elsewhere.Contains(address, bits) ? $"{address} is reached by another interface than the egress one" : null;
        return reason is null;
    }

    /// <summary>
    /// Addresses that lead to the pod itself: its own, loopback (RFC 1122, RFC 4291), and 0.0.0.0 and ::, which Linux treats as loopback.
    /// </summary>
    internal AddressSet Itself => AddressSet.Of([
        .. Own.Select(address => (address, address.AddressFamily.AddressBits())),
        (IPAddress.Any, 8), (IPAddress.Parse("127.0.0.0"), 8), (IPAddress.IPv6Any, 128), (IPAddress.IPv6Loopback, 128)]);

    /// <summary>Link-local addresses (RFC 3927, RFC 4291), among them those of cloud metadata services.</summary>
    internal static AddressSet LinkLocal { get; } = AddressSet.Of([(IPAddress.Parse("169.254.0.0"), 16), (IPAddress.Parse("fe80::"), 10)]);
}
