using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>The node's link under the egress interface.</summary>
/// <param name="Name">Its name on the node.</param>
/// <param name="Index">Its index on the node.</param>
/// <param name="Mtu">In bytes.</param>
/// <param name="Addresses">Its own addresses, without link-local ones: the egress interface cannot reach them.</param>
public sealed record Parent(string Name, int Index, int Mtu, ImmutableArray<IPAddress> Addresses);

/// <summary>
/// Whose an attachment is (CNI specification, "GC"): remembered in the pod, so that GC finds what belongs to a network
/// without anything kept on the node.
/// </summary>
/// <param name="Network">The network's name.</param>
/// <param name="Container">The container.</param>
public sealed record Owner(string Network, string Container)
{
    /// <summary>Whether it is this container, where it is remembered.</summary>
    public bool IsContainer(string container) => Container == SavedState.Remembered(container);

    /// <summary>Whether it is of this network, where it is remembered.</summary>
    public bool IsOfNetwork(string network) => Network == SavedState.Remembered(network);
}

/// <summary>What is wanted, with nothing left to infer: the configuration, completed by the node's facts.</summary>
public sealed record Attachment
{
    /// <summary>The names of its objects.</summary>
    public required AttachmentNames Names { get; init; }

    /// <summary>Whose it is; null where nobody knows any more.</summary>
    public required Owner? Owner { get; init; }

    /// <summary>The node's link under the egress interface.</summary>
    public required Parent Parent { get; init; }

    /// <summary>What kind of link the egress interface is.</summary>
    public required LinkKind Kind { get; init; }

    /// <summary>What is set of the egress interface: its MTU, at most the parent's, and its hardware address; null: any.</summary>
    public required LinkSettings Settings { get; init; }

    /// <summary>The pod's interface by which clients come, where the configuration names it.</summary>
    public string? ClusterInterface { get; init; }

    /// <summary>The reserved source addresses; none as long as the IPAM plugin was not asked.</summary>
    public required ImmutableArray<AddressState> Addresses { get; init; }

    /// <summary>One gateway for each family that has an address.</summary>
    public required ImmutableArray<IPAddress> Gateways { get; init; }

    /// <summary>Where clients' connections are redirected to.</summary>
    public ImmutableArray<Destination> Destinations { get; init; } = [];

    /// <summary>Whether new connections from the outside to the pod are let in.</summary>
    public bool AllowInbound { get; init; }

    /// <summary>What a configuration makes, where everything that it leaves out has been found.</summary>
    public static Attachment Of(
        RouterConfig config, AttachmentNames names, Owner? owner, Parent parent, ImmutableArray<AddressState> addresses,
        ImmutableArray<IPAddress> gateways)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(parent);
        return new Attachment
        {
            Names = names,
            Owner = owner,
            Parent = parent,
            Kind = config.Kind,
            Settings = config.Settings with
            {
                // The parent may have been lowered since ADD, and takes what stands on it with it.
                Mtu = Math.Min(config.Settings.Mtu ?? parent.Mtu, parent.Mtu),
                HardwareAddress = config.HasStableMac && !addresses.IsEmpty ? StableMac.For(addresses[0].Address)
                    : config.Settings.HardwareAddress,
            },
            Addresses = addresses,
            Gateways = gateways,
            ClusterInterface = config.ClusterInterface,
            Destinations = config.Destinations,
            AllowInbound = config.AllowInbound,
        };
    }

    /// <summary>The families that have an egress address.</summary>
    public IEnumerable<AddressFamily> FamiliesInUse =>
        Families.All.Where(family => Addresses.Any(address => address.Address.AddressFamily == family));

    /// <summary>The egress addresses of a family.</summary>
    public ImmutableArray<AddressState> AddressesOf(AddressFamily family) =>
        [.. Addresses.Where(address => address.Address.AddressFamily == family)];

    /// <summary>Whether an address is on the link, and not behind the gateway.</summary>
    public bool IsNear(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return AddressesOf(address.AddressFamily).Any(own => Subnet.Contains(own.Address, own.PrefixLength, address));
    }

    /// <summary>The gateway of a family in use.</summary>
    public IPAddress GatewayOf(AddressFamily family) => Gateways.First(gateway => gateway.AddressFamily == family);
}
