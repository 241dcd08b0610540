using System.Collections.Immutable;

namespace EgressRouter.Config;

/// <summary>What holds between a destination and the rest of the configuration.</summary>
internal static class DestinationRules
{
    /// <summary>Why a destination for all ports may stand nowhere else.</summary>
    public const string NotLast = "a destination for all ports has to be the last, there are others behind it";

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
                faults.Fault(entry.Path, entry.Text, $"a second destination for all ports, the first is {first.Value.Path}");
            }
            else if (lastPort >= 0 && entries[lastPort].Index > entry.Index)
            {
                faults.Fault(entry.Path, entry.Text, NotLast);
            }

            first ??= entry;
        }
    }

    /// <summary>Each entry has to be able to work with the addresses.</summary>
    public static void CheckAddresses(List<DestinationEntry> entries, ImmutableArray<EgressAddress> addresses, FaultList faults)
    {
        foreach (DestinationEntry entry in entries)
        {
            if (WhyNot(entry.Destination, addresses) is string reason)
            {
                faults.Fault(entry.Path, entry.Text, reason);
            }
        }
    }

    /// <summary>Traffic leaves with an egress address of the destination's family, and not to itself. Null if it does.</summary>
    public static string? WhyNot(Destination destination, IEnumerable<EgressAddress> addresses)
    {
        bool hasFamily = false;
        foreach (EgressAddress address in addresses)
        {
            hasFamily |= address.Address.AddressFamily == destination.Address.AddressFamily;
            if (address.Address.Equals(destination.Address))
            {
                return $"{destination.Address} is the egress address itself";
            }
        }

        string family = destination.Address.AddressFamily.Text();
        return hasFamily ? null : $"{destination.Address} is {family}, there is no {family} egress address";
    }
}
