using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace EgressRouter.Legacy;

/// <summary>What the proxies have to know of the pod that they run in.</summary>
public sealed record ProxyPod
{
    /// <summary>The egress addresses, at least one: what leaves must have one of them as its source.</summary>
    public required ImmutableArray<IPAddress> Sources { get; init; }

    /// <summary>The addresses by which clients come: those of the other interfaces.</summary>
    public required ImmutableArray<IPAddress> ClientSide { get; init; }

    /// <summary>The DNS servers.</summary>
    public ImmutableArray<IPAddress> Nameservers { get; init; } = [];

    /// <summary>How many files a program may have open here; memory is taken for as many.</summary>
    public int MaxFiles { get; init; } = 65536;

    /// <summary>Where configurations and sockets are: an absolute path of letters, digits and "/-_.".</summary>
    public required string Directory { get; init; }

    /// <summary>The first egress address of a family; null where it has none.</summary>
    public IPAddress? SourceOf(AddressFamily family)
    {
        foreach (IPAddress address in Sources)
        {
            if (address.AddressFamily == family)
            {
                return address;
            }
        }

        return null;
    }
}
