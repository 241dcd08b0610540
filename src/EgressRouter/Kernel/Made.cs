using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>
/// What ADD made of a configuration, as its result or the router itself tells. It counts before what would be inferred now:
/// the node's routes may have changed, and the router still works.
/// </summary>
/// <param name="Addresses">The addresses, with the prefix lengths that are known.</param>
/// <param name="Gateways">The gateways; of several of a family the first counts.</param>
/// <param name="Parent">The name of the link that the egress interface stands on; null where it is not known.</param>
internal sealed record Made(ImmutableArray<EgressAddress> Addresses, ImmutableArray<IPAddress> Gateways, string? Parent)
{
    /// <summary>
    /// The configuration with what ADD had inferred. What it says itself stays; and for addresses that ADD did not know
    /// everything is still to be inferred.
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

    /// <summary>The state with the name of the parent, which the pod's namespace does not know.</summary>
    /// <param name="observed">What was observed in the pod's namespace.</param>
    /// <param name="node">A route socket of the node's namespace.</param>
    public static NetworkState NameParent(NetworkState observed, NetlinkSocket node) => observed.Link is { Parent: ParentLink parent } link
        ? observed with { Link = link with { Parent = parent with { Name = node.GetLink(parent.Index)?.Name } } }
        : observed;
}
