using System.Collections.Immutable;
using System.Net;
using Cni;
using EgressRouter.Config;

namespace EgressIp;

/// <summary>An EgressIP while it gets its addresses.</summary>
internal sealed class WantingObject
{
    public WantingObject(EgressIP source)
    {
        Source = source;
        SelectorFault = source.NamespaceSelector?.WhyInvalid() is string namespaces ? $"spec.namespaceSelector: {namespaces}"
            : source.PodSelector?.WhyInvalid() is string pods ? $"spec.podSelector: {pods}"
            : null;

        var seen = new HashSet<string>(StringComparer.Ordinal);
        Addresses = [.. source.EgressIPs.Select(text => new WantedAddress(this, text)).Where(address => seen.Add(address.Text))];
    }

    public EgressIP Source { get; }

    /// <summary>What is wrong with a selector, with its place; null: nothing.</summary>
    public string? SelectorFault { get; }

    /// <summary>In the order of the spec, each once.</summary>
    public ImmutableArray<WantedAddress> Addresses { get; }

    public bool WantsIPv4 => Addresses.Any(address => !address.IsIPv6);

    public bool WantsIPv6 => Addresses.Any(address => address.IsIPv6);
}

/// <summary>An address of a spec while it gets its node. Nodes are indexes of <see cref="Topology.Nodes"/>.</summary>
internal sealed class WantedAddress
{
    /// <summary>In the place of a node: none.</summary>
    public const int None = -1;

    public WantedAddress(WantingObject owner, string text)
    {
        Owner = owner;
        Address = StrictAddress.Parse(text);
        Text = Address?.ToString() ?? text;

        // What is no address still tells by its colons which family the user meant.
        IsIPv6 = text.Contains(':');
        Refuse(
            UnassignedReason.InvalidEgressIP,
            Address is null ? "it is not an IP address (no leading zeros, prefix length, zone or port)"
            : AddressKinds.Of(Address) is AddressKind kind and not AddressKind.Unicast ? $"it is {AddressKinds.Describe(kind)}"
            : null);
    }

    public WantingObject Owner { get; }

    /// <summary>Canonical; as written if it is no address.</summary>
    public string Text { get; }

    public IPAddress? Address { get; }

    public bool IsIPv6 { get; }

    /// <summary>Why no node may hold the address, and the same in words; null: one may.</summary>
    public (UnassignedReason Reason, string Message)? Refusal { get; private set; }

    /// <summary>Where the address fits; of no use if it is refused.</summary>
    public Coverage Coverage { get; set; } = new([], [], []);

    /// <summary>Nodes that have the address by the status so far, whether they may hold it or not.</summary>
    public ImmutableArray<string> HadBy { get; set; } = [];

    /// <summary>
    /// The node that the address stays on unless a rebalance is asked for, or <see cref="None"/>: the first by name of those that had it
    /// and may still hold it. Of two addresses of the object on one node, the first of the spec stays.
    /// </summary>
    public int Home { get; set; } = None;

    /// <summary>The node that holds the address, or <see cref="None"/>.</summary>
    public int Node { get; set; } = None;

    /// <summary>Its number among those that may have a node.</summary>
    public int Index { get; set; }

    /// <summary>Refuses the address if there is a fault. The first refusal stays.</summary>
    public void Refuse(UnassignedReason reason, string? fault)
    {
        if (fault is not null)
        {
            Refusal ??= (reason, fault);
        }
    }
}
