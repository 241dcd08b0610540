using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>
/// The values that ADD inferred, from its result or from the existing attachment. They take precedence over a new inference: the
/// node's routes may have changed, and the router still works.
/// </summary>
/// <param name="Addresses">The addresses, with known prefix lengths.</param>
/// <param name="Gateways">The gateways; the first of each family counts.</param>
/// <param name="Parent">The name of the egress interface's parent, or null if unknown.</param>
internal sealed record InferredValues(ImmutableArray<EgressAddress> Addresses, ImmutableArray<IPAddress> Gateways, string? Parent)
{
    /// <summary>
    /// Adds ADD's values to a configuration. Configured values stay, and values for addresses that ADD did not know remain to be
    /// inferred.
    /// </summary>
    public RouterConfig Complete(RouterConfig config)
    {
        bool IsKnown(EgressAddress address) => Addresses.Any(other => other.Address.Equals(address.Address));
        AddressFamily[] families = [.. config.Addresses.Where(IsKnown).Select(address => address.Address.AddressFamily)
            .Except(config.Gateways.Select(gateway => gateway.AddressFamily))];
        return config with
        {
            Master = config.Master ?? (config.Addresses.Take(1).All(IsKnown) ? Parent : null),
            Addresses = [.. config.Addresses.Select(address => address with
            {
                PrefixLength = address.PrefixLength
                    ?? Addresses.FirstOrDefault(other => other.Address.Equals(address.Address)).PrefixLength,
            })],
            Gateways =
            [
                .. config.Gateways,
                .. Gateways.Where(gateway => families.Contains(gateway.AddressFamily)).DistinctBy(gateway => gateway.AddressFamily),
            ],
        };
    }

    /// <summary>
    /// The values of an existing attachment, that ADD inferred or an IPAM plugin assigned: addresses from the nf_tables table, prefix
    /// lengths and gateways from the routes, those of the egress table first.
    /// </summary>
    public static InferredValues Of(NetworkState there, AttachmentNames names)
    {
        RouteState[] routes =
        [
            .. there.Routes.Where(route => route.Device == names.Interface).OrderByDescending(route => route.Table == names.EgressTable),
        ];
        RouteState? SubnetOf(IPAddress address) => routes.FirstOrDefault(route =>
            route is { PrefixLength: > 0, Gateway: null } && Subnet.Contains(route.Destination, route.PrefixLength, address));
        IPAddress[] addresses = there.Table is Table table ? [.. NftTableReader.Addresses(table)] : [];
        addresses = addresses.Length > 0 ? addresses : [.. there.Addresses.Select(address => address.Address)];
        int? LengthOf(IPAddress address) => there.Addresses.FirstOrDefault(known => known.Address.Equals(address))?.PrefixLength
            ?? SubnetOf(address)?.PrefixLength;
        return new InferredValues(
            [.. addresses.Where(address => !OwnAddresses.IsOne(address)).Select(address => new EgressAddress(address, LengthOf(address)))],
            [.. routes.Where(route => route.IsDefault).Select(route => route.Gateway).OfType<IPAddress>()],
            there.Link?.Parent?.Name);
    }

    /// <summary>Adds the parent's name, which the pod's namespace does not show.</summary>
    /// <param name="observed">The state observed in the pod's namespace.</param>
    /// <param name="node">A route socket in the node's namespace.</param>
    public static NetworkState NameParent(NetworkState observed, NetlinkSocket node) => observed.Link is { Parent: ParentLink parent } link
        ? observed with { Link = link with { Parent = parent with { Name = node.GetLink(parent.Index)?.Name } } }
        : observed;
}
