using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace EgressRouter.Config;

/// <summary>What holds between a destination and the rest of the configuration.</summary>
internal static class DestinationRules
{
    /// <summary>A family has one fallback at most, and it is the last entry: what stands behind it would never be reached.</summary>
    public static void CheckFallbacks(List<DestinationEntry> entries, FaultList faults)
    {
        DestinationEntry? first = null;
        int lastPort = entries.FindLastIndex(entry => entry.Destination is PortDestination);
        foreach (DestinationEntry entry in entries)
        {
            if (entry.Destination is not FallbackDestination)
            {
                continue;
            }

            if (first is not null)
            {
                faults.Fault(entry.Path, entry.Text, $"only one fallback destination is allowed (first: {first.Value.NameFor(entry)})");
            }
            else if (lastPort >= 0 && entries[lastPort].Index > entry.Index)
            {
                faults.Fault(entry.Path, entry.Text, "the fallback destination must be last", FaultCode.FallbackNotLast);
            }

            first ??= entry;
        }
    }

    /// <summary>Each entry has to be able to work with the addresses.</summary>
    public static void CheckAddresses(List<DestinationEntry> entries, ImmutableArray<EgressAddress> addresses, FaultList faults)
    {
        Func<Destination, string?> whyNot = WhyNotWith(addresses);
        foreach (DestinationEntry entry in entries)
        {
            if (whyNot(entry.Destination) is string reason)
            {
                faults.Fault(entry.Path, entry.Text, reason);
            }
        }
    }

    /// <summary>Tells why traffic to a destination cannot leave with an egress address of its family, and not to itself; null if it can.</summary>
    public static Func<Destination, string?> WhyNotWith(IEnumerable<EgressAddress> addresses)
    {
        HashSet<IPAddress> egress = [.. addresses.Select(address => address.Address)];
        HashSet<AddressFamily> families = [.. egress.Select(address => address.AddressFamily)];
        return destination => destination.Address switch
        {
            IPAddress own when egress.Contains(own) => $"{own} is the egress address itself",
            IPAddress other when !families.Contains(other.AddressFamily) =>
                $"{other} is an {other.AddressFamily.Text()} address, but there is no {other.AddressFamily.Text()} egress address",
            _ => null,
        };
    }
}
