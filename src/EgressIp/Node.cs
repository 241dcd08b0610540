using System.Collections.Immutable;
using System.Net;
using EgressRouter.Config;

namespace EgressIp;

/// <summary>A node of the cluster.</summary>
/// <param name="Ready">Whether the condition Ready is True; Unknown is not.</param>
/// <param name="Capacity">How many egress addresses the node can hold; null: any number.</param>
/// <param name="Held">Egress addresses that are on the node's links now. They are not taken for addresses of the node itself.</param>
public sealed record Node(
    string Name,
    IReadOnlyDictionary<string, string> Labels,
    bool Ready,
    ImmutableArray<NodeNetwork> Networks,
    Capacity? Capacity,
    ImmutableArray<IPAddress> Held)
{
    /// <summary>Egress addresses that the node may not take, because another machine of its network has them.</summary>
    public ImmutableArray<AddressConflict> Conflicts { get; init; } = [];

    /// <summary>Egress addresses that the node has taken over from nodes that did not answer.</summary>
    public ImmutableArray<Takeover> Taken { get; init; } = [];

    /// <summary>The label of nodes that may hold egress addresses. Its presence counts, not its value.</summary>
    public const string AssignableLabel = "k8s.ovn.org/egress-assignable";

    /// <summary>Whether the node may hold egress addresses.</summary>
    public bool IsAssignable => Labels.ContainsKey(AssignableLabel);
}

/// <summary>Another machine has answered for an egress address (RFC 5227, RFC 4862).</summary>
/// <param name="Mac">Its link-layer address, for example <c>02:00:5e:10:00:01</c>.</param>
public sealed record AddressConflict(IPAddress Address, string Mac);

/// <summary>A node has taken an egress address, because the one that the status names did not answer.</summary>
/// <param name="From">The name of that node.</param>
public sealed record Takeover(IPAddress Address, string From);

/// <summary>A network that a node is attached to.</summary>
/// <param name="Link">The name of the node's link.</param>
/// <param name="Addresses">The node's own addresses in the network.</param>
/// <param name="Gateways">Gateways in the network; never an egress address.</param>
public sealed record NodeNetwork(string Link, IPNetwork Cidr, ImmutableArray<IPAddress> Addresses, ImmutableArray<IPAddress> Gateways)
{
    /// <summary>The network of one address of the node, for example <c>192.168.126.12/24</c>.</summary>
    /// <exception cref="FormatException">The text is not an address with a prefix length.</exception>
    public static NodeNetwork Of(string link, string addressAndLength, params ImmutableArray<IPAddress> gateways)
    {
        if (!AddressText.TryParsePrefix(addressAndLength, out IPAddress? address, out int? length, out string? reason))
        {
            throw new FormatException(reason);
        }

        return length is int bits
            ? new NodeNetwork(link, new IPNetwork(address.Network(bits), bits), [address], gateways)
            : throw new FormatException($"{address} has no prefix length");
    }
}

/// <summary>How many egress addresses a node can hold, in total and by family; null: any number.</summary>
public sealed record Capacity(int? IP, int? IPv4, int? IPv6);
