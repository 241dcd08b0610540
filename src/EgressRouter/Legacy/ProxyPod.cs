using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>What the proxies have to know of the pod that they run in.</summary>
public sealed record ProxyPod
{
    /// <summary>The egress addresses with their prefix lengths, at least one: what leaves must have one of them as its source.</summary>
    public required ImmutableArray<(IPAddress Address, int PrefixLength)> Sources { get; init; }

    /// <summary>The addresses by which clients come, with their prefix lengths: those of the other interfaces.</summary>
    public required ImmutableArray<(IPAddress Address, int PrefixLength)> ClientSide { get; init; }

    /// <summary>The DNS servers.</summary>
    public ImmutableArray<IPAddress> Nameservers { get; init; } = [];

    /// <summary>Where configurations and sockets are: an absolute path of letters, digits and "/-_.".</summary>
    public required string Directory { get; init; }

    /// <summary>The first egress address of a family; null where it has none.</summary>
    public IPAddress? SourceOf(AddressFamily family)
    {
        foreach ((IPAddress address, _) in Sources)
        {
            if (address.AddressFamily == family)
            {
                return address;
            }
        }

        return null;
    }

    /// <summary>
    /// The subnets of the egress addresses: who asks from there comes from outside. Not those that the pod's own
    /// interfaces are in too, where clients may be.
    /// </summary>
    public IEnumerable<(IPAddress Address, int PrefixLength)> OutsideSubnets()
    {
        foreach ((IPAddress address, int length) in Sources)
        {
            bool isShared = false;
            foreach ((IPAddress client, int clientLength) in ClientSide)
            {
                int shorter = Math.Min(length, clientLength);
                isShared |= client.AddressFamily == address.AddressFamily && (shorter == 0 || Subnet.Contains(client, shorter, address));
            }

            if (!isShared && length > 0 && length < address.AddressFamily.AddressBits())
            {
                yield return (address.Network(length), length);
            }
        }
    }
}
