using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>What the proxies have to know of the pod that they run in.</summary>
internal sealed record ProxyPod
{
    /// <summary>The egress addresses, at least one: what leaves must have one of them as its source.</summary>
    public required ImmutableArray<IPAddress> Sources { get; init; }

    /// <summary>The addresses by which clients come: those of the other interfaces.</summary>
    public required ImmutableArray<IPAddress> ClusterAddresses { get; init; }

    /// <summary>All addresses of the pod itself but those of loopback, also the link-local ones.</summary>
    public required ImmutableArray<IPAddress> Own { get; init; }

    /// <summary>The addresses of loopback, by which a client of <c>kubectl port-forward</c> comes.</summary>
    public ImmutableArray<IPAddress> Loopback { get; init; } = [];

    /// <summary>What the pod reaches by other interfaces than the egress one: the cluster's networks.</summary>
    public AddressSet Elsewhere { get; init; } = AddressSet.None;

    /// <summary>The DNS servers.</summary>
    public ImmutableArray<IPAddress> Nameservers { get; init; } = [];

    /// <summary>How many files a program may have open here; memory is taken for as many.</summary>
    public int MaxFiles { get; init; } = 262144;

    /// <summary>Where configurations and sockets are: an absolute path of letters, digits and "/-_.".</summary>
    public required string Directory { get; init; }

    /// <summary>The first egress address of a family; null where it has none.</summary>
    public IPAddress? SourceOf(AddressFamily family) => Sources.FirstOrDefault(address => address.AddressFamily == family);

    /// <summary>Whether an egress address can send to an address, or the reason why not.</summary>
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
    /// What leads to the pod itself: its addresses, loopback (RFC 1122, RFC 4291), and 0.0.0.0 and ::, which Linux takes for loopback.
    /// </summary>
    internal AddressSet Itself => AddressSet.Of([
        .. Own.Select(address => (address, address.AddressFamily.AddressBits())),
        (IPAddress.Any, 8), (IPAddress.Parse("127.0.0.0"), 8), (IPAddress.IPv6Any, 128), (IPAddress.IPv6Loopback, 128)]);

    /// <summary>Link-local addresses (RFC 3927, RFC 4291): those of a cloud's metadata are among them.</summary>
    internal static AddressSet LinkLocal { get; } = AddressSet.Of([(IPAddress.Parse("169.254.0.0"), 16), (IPAddress.Parse("fe80::"), 10)]);
}
