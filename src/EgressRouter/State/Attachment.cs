using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>The node's parent link of the egress interface.</summary>
/// <param name="Name">The link name on the node.</param>
/// <param name="Index">The link index on the node.</param>
/// <param name="Mtu">The MTU in bytes.</param>
/// <param name="Addresses">The parent's addresses without link-local ones. The egress interface cannot reach them.</param>
public sealed record Parent(string Name, int Index, int Mtu, ImmutableArray<IPAddress> Addresses);

/// <summary>
/// The owner of an attachment (CNI specification, "GC"). It is saved in the pod, so that GC finds a network's attachments without
/// state on the node.
/// </summary>
/// <param name="Network">The network's name.</param>
/// <param name="Container">The container ID.</param>
public sealed record Owner(string Network, string Container)
{
    /// <summary>Whether the owner is this container, compared in saved form.</summary>
    public bool IsContainer(string container) => Container == SavedState.ShortenName(container);

    /// <summary>Whether the owner is this network, compared in saved form.</summary>
    public bool IsOfNetwork(string network) => Network == SavedState.ShortenName(network);
}

/// <summary>The wanted attachment, fully resolved: the configuration, completed with facts of the node.</summary>
public sealed record Attachment
{
    /// <summary>The names of the attachment's kernel objects.</summary>
    public required AttachmentNames Names { get; init; }

    /// <summary>The owner, or null if unknown.</summary>
    public required Owner? Owner { get; init; }

    /// <summary>The node's parent link of the egress interface.</summary>
    public required Parent Parent { get; init; }

    /// <summary>The kind of the egress link.</summary>
    public required LinkKind Kind { get; init; }

    /// <summary>Link settings from <c>interfaceArgs</c>, the MTU at most the parent's; null means the kernel's value.</summary>
    public required LinkSettings Settings { get; init; }

    /// <summary>The pod's interface that receives client traffic, or null if the configuration does not name it.</summary>
    public string? ClusterInterface { get; init; }

    /// <summary>The egress addresses; empty before the IPAM plugin has assigned them.</summary>
    public required ImmutableArray<AddressState> Addresses { get; init; }

    /// <summary>Whether several pods have the addresses, one at a time: another program assigns and announces them.</summary>
    public bool HighAvailability { get; init; }

    /// <summary>
    /// With high availability, an IPv4 address that stays: with the last one of a link, the kernel deletes all routes of the link. Null if
    /// not needed.
    /// </summary>
    public AddressState? OwnAddress => HighAvailability && FamiliesInUse.Contains(AddressFamily.InterNetwork)
        ? OwnAddresses.For(Owner, Names) : null;

    /// <summary>One gateway per family that has an address.</summary>
    public required ImmutableArray<IPAddress> Gateways { get; init; }

    /// <summary>The destinations of client connections.</summary>
    public ImmutableArray<Destination> Destinations { get; init; } = [];

    /// <summary>Whether the pod accepts new connections from outside.</summary>
    public bool AllowInbound { get; init; }

    /// <summary>Combines a configuration with the values inferred for it.</summary>
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
                // The parent's MTU may have been lowered since ADD; the kernel lowers the MTU of its child links with it.
                Mtu = Math.Min(config.Settings.Mtu ?? parent.Mtu, parent.Mtu),
                HardwareAddress = config.HasStableMac && !addresses.IsEmpty ? StableMac.For(addresses[0].Address)
                    : config.Settings.HardwareAddress,
            },
            Addresses = addresses,
            HighAvailability = config.HighAvailability,
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

    /// <summary>The egress addresses that the pod must have, or with high availability those that it has now.</summary>
    public ImmutableArray<AddressState> Held(NetworkState observed) =>
        HighAvailability ? [.. Addresses.Where(address => observed.Has(address.Address))] : Addresses;

    /// <summary>Whether an address is on-link and not behind the gateway.</summary>
    public bool IsNear(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return AddressesOf(address.AddressFamily).Any(own => Subnet.Contains(own.Address, own.PrefixLength, address));
    }

    /// <summary>The gateway of a family in use.</summary>
    public IPAddress GatewayOf(AddressFamily family) => Gateways.First(gateway => gateway.AddressFamily == family);
}
