using System.Collections.Immutable;

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
                faults.Fault(entry.Path, entry.Text, $"a second destination for all ports, the first is {first.Value.Path}");
            }
            else if (lastPort >= 0 && entries[lastPort].Index > entry.Index)
            {
                faults.Fault(entry.Path, entry.Text, "a destination for all ports has to be the last, there are others behind it");
            }

            first ??= entry;
        }
    }

    /// <summary>Traffic leaves with an egress address of the destination's family, and not to itself.</summary>
    public static void CheckAddresses(List<DestinationEntry> entries, ImmutableArray<EgressAddress> addresses, FaultList faults)
    {
        foreach (DestinationEntry entry in entries)
        {
            bool hasFamily = false;
            bool isOwn = false;
            foreach (EgressAddress address in addresses)
            {
                hasFamily |= address.Address.AddressFamily == entry.Destination.Address.AddressFamily;
                isOwn |= address.Address.Equals(entry.Destination.Address);
            }

            if (isOwn)
            {
                faults.Fault(entry.Path, entry.Text, $"{entry.Destination.Address} is the egress address itself");
            }
            else if (!hasFamily)
            {
                string family = entry.Destination.Address.AddressFamily.Text();
                faults.Fault(entry.Path, entry.Text, $"{entry.Destination.Address} is {family}, there is no {family} egress address");
            }
        }
    }
}
