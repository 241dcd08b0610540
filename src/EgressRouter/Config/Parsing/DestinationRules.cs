using System.Collections.Immutable;
using System.Net.Sockets;
using System.Net;
using System.Runtime.InteropServices;

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

/// <summary>
/// No port of a protocol has two destinations. Each port is given to the first entry that asks for it, so that ten
/// thousand entries cost milliseconds.
/// </summary>
internal static class PortOverlaps
{
    private const int Free = 0;

    /// <summary>Reports each entry that has a port of an earlier one: once, with the owner of the first such port.</summary>
    public static void Check(List<DestinationEntry> entries, FaultList faults)
    {
        ReadOnlySpan<DestinationEntry> all = CollectionsMarshal.AsSpan(entries);
        Check(TransportProtocol.Tcp, all, faults);
        Check(TransportProtocol.Udp, all, faults);
        Check(TransportProtocol.Sctp, all, faults);
    }

    private static void Check(TransportProtocol protocol, ReadOnlySpan<DestinationEntry> entries, FaultList faults)
    {
        int least = int.MaxValue;
        int greatest = 0;
        foreach (DestinationEntry entry in entries)
        {
            if (entry.Destination is PortDestination ports && ports.Protocol == protocol)
            {
                least = Math.Min(least, ports.FirstPort);
                greatest = Math.Max(greatest, ports.LastPort);
            }
        }

        // For each port the place in the list of its owner, counted from one. No larger than the ports in use ask for:
        // most configurations have one port.
        Span<int> owners = new int[Math.Max(greatest - least + 1, 0)];
        for (int i = 0; i < entries.Length; i++)
        {
            if (entries[i].Destination is PortDestination ports && ports.Protocol == protocol)
            {
                Span<int> wanted = owners[(ports.FirstPort - least)..(ports.LastPort - least + 1)];
                int taken = wanted.IndexOfAnyExcept(Free);
                if (taken >= 0)
                {
                    Report(entries[wanted[taken] - 1], entries[i], faults);
                }

                wanted.Replace(Free, i + 1);
            }
        }
    }

    private static void Report(in DestinationEntry earlier, in DestinationEntry later, FaultList faults)
    {
        string wanted = ((PortDestination)later.Destination).PortText;
        string taken = ((PortDestination)earlier.Destination).PortText;
        faults.Fault(
            later.Path,
            later.Text,
            wanted == taken ? $"{wanted} is already used by {earlier.NameFor(later)}" : $"{wanted} overlaps {taken} of {earlier.NameFor(later)}");
    }
}
