using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace EgressRouter.Config;

/// <summary>Checks destinations against each other and against the egress addresses.</summary>
internal static class DestinationRules
{
    /// <summary>Each family has at most one fallback, as its last entry: later entries would never match.</summary>
    public static void CheckFallbacks(List<DestinationEntry> entries, ConfigErrors errors)
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
                errors.Add(entry.Path, entry.Text, $"only one fallback destination is allowed (first: {first.Value.NameFor(entry)})");
            }
            else if (lastPort >= 0 && entries[lastPort].Index > entry.Index)
            {
                errors.Add(entry.Path, entry.Text, "the fallback destination must be last", ConfigErrorCode.FallbackNotLast);
            }

            first ??= entry;
        }
    }

    public static void CheckAddresses(List<DestinationEntry> entries, ImmutableArray<EgressAddress> addresses, ConfigErrors errors)
    {
        var reachable = new ReachableDestinations(addresses);
        foreach (DestinationEntry entry in entries)
        {
            if (!reachable.TryCheck(entry.Destination, out string? reason))
            {
                errors.Add(entry.Path, entry.Text, reason);
            }
        }
    }
}

/// <summary>Checks that a destination's family has an egress address, and that it is not an egress address itself.</summary>
internal sealed class ReachableDestinations(IEnumerable<EgressAddress> addresses)
{
    private readonly HashSet<IPAddress> _egress = [.. addresses.Select(address => address.Address)];
    private readonly HashSet<AddressFamily> _families = [.. addresses.Select(address => address.Address.AddressFamily)];

    public bool TryCheck(Destination destination, [NotNullWhen(false)] out string? reason)
    {
        IPAddress address = destination.Address;
        string family = address.AddressFamily.Text();
        reason = _egress.Contains(address) ? $"{address} is the egress address itself"
            : !_families.Contains(address.AddressFamily)
            ? $"{address} is an {family} address, but there is no {family} egress address"
            : null;
        return reason is null;
    }
}

/// <summary>
/// Checks that no port of a protocol has two destinations. An array of ports records each port's owner, so that ten thousand
/// entries cost milliseconds.
/// </summary>
internal static class PortOverlaps
{
    private const int Free = 0;

    /// <summary>Reports each entry that overlaps an earlier one: once, with the owner of its first shared port.</summary>
    public static void Check(List<DestinationEntry> entries, ConfigErrors errors)
    {
        ReadOnlySpan<DestinationEntry> all = CollectionsMarshal.AsSpan(entries);
        Check(TransportProtocol.Tcp, all, errors);
        Check(TransportProtocol.Udp, all, errors);
        Check(TransportProtocol.Sctp, all, errors);
    }

    private static void Check(TransportProtocol protocol, ReadOnlySpan<DestinationEntry> entries, ConfigErrors errors)
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

        // For each port its owner's position in the list, counted from one. The array covers only the range in use: most
        // configurations have one port.
        Span<int> owners = new int[Math.Max(greatest - least + 1, 0)];
        for (int i = 0; i < entries.Length; i++)
        {
            if (entries[i].Destination is PortDestination ports && ports.Protocol == protocol)
            {
                Span<int> wanted = owners[(ports.FirstPort - least)..(ports.LastPort - least + 1)];
                int taken = wanted.IndexOfAnyExcept(Free);
                if (taken >= 0)
                {
                    Report(entries[wanted[taken] - 1], entries[i], errors);
                }

                wanted.Replace(Free, i + 1);
            }
        }
    }

    private static void Report(in DestinationEntry earlier, in DestinationEntry later, ConfigErrors errors)
    {
        string wanted = ((PortDestination)later.Destination).PortText;
        string taken = ((PortDestination)earlier.Destination).PortText;
        errors.Add(
            later.Path,
            later.Text,
            wanted == taken ? $"{wanted} is already used by {earlier.NameFor(later)}"
                : $"{wanted} overlaps {taken} of {earlier.NameFor(later)}");
    }
}
