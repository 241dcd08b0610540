using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Reads <c>ip.destinations</c>, <c>ip.destinationsText</c> and <c>ip.fallbackIP</c>, each entry by itself and then as a whole.</summary>
internal static class DestinationsReader
{
    public const string ListKey = "destinations";
    public const string TextKey = "destinationsText";
    public const string FallbackKey = "fallbackIP";

    /// <param name="ip">The object.</param>
    /// <param name="addresses">The egress addresses; null when they are faulty.</param>
    /// <param name="faults">Takes the faults.</param>
    public static ImmutableArray<Destination> Read(ObjectReader ip, ImmutableArray<EgressAddress>? addresses, FaultList faults)
    {
        List<DestinationEntry> entries = ip.Text(TextKey) is string text ? ReadText(ip, text, faults) : ReadList(ip, faults);
        if (ReadFallback(ip, faults) is DestinationEntry fallback)
        {
            entries.Add(fallback);
        }

        // A client's connection goes to a destination of its own family: each family is a list of its own.
        foreach (AddressFamily family in Families.All)
        {
            List<DestinationEntry> ofFamily = entries.FindAll(entry => entry.Destination.Address.AddressFamily == family);
            DestinationRules.CheckFallbacks(ofFamily, faults);
            PortOverlaps.Check(ofFamily, faults);
        }

        if (addresses is not null)
        {
            DestinationRules.CheckAddresses(entries, addresses.Value, faults);
        }

        ImmutableArray<Destination>.Builder destinations = ImmutableArray.CreateBuilder<Destination>(entries.Count);
        foreach (DestinationEntry entry in entries)
        {
            destinations.Add(entry.Destination);
        }

        return destinations.MoveToImmutable();
    }

    private static List<DestinationEntry> ReadList(ObjectReader ip, FaultList faults)
    {
        if (ip.List(ListKey, Bounds.Destinations, out int length) is not JsonElement.ArrayEnumerator items)
        {
            return [];
        }

        var entries = new List<DestinationEntry>(length + 1);
        int index = 0;
        foreach (JsonElement item in items)
        {
            if (JsonText.Of(item) is not string text)
            {
                faults.WrongKind(ip.PathOf(ListKey).Item(index), item, "string");
            }
            else if (Destination.TryParse(text, out Destination? destination, out string? reason))
            {
                entries.Add(new DestinationEntry(ip.Path, index, text, destination));
            }
            else
            {
                faults.Fault(ip.PathOf(ListKey).Item(index), text, reason);
            }

            index++;
        }

        return entries;
    }

    /// <summary>The same list as the legacy images have it: a text of lines, with comments.</summary>
    private static List<DestinationEntry> ReadText(ObjectReader ip, string text, FaultList faults)
    {
        if (ip.Value(ListKey) is not null)
        {
            faults.Fault(ip.PathOf(TextKey), null, $"\"{ListKey}\" and \"{TextKey}\" are mutually exclusive");
        }

        var entries = new List<DestinationEntry>();
        int count = 0;
        foreach (TextLine line in TextLines.Of(text))
        {
            if (++count > Bounds.Destinations.Most)
            {
                continue;
            }

            if (Destination.TryParse(line.Text, out Destination? destination, out string? reason))
            {
                entries.Add(new DestinationEntry(ip.Path, line.Number, line.Text, destination, IsLine: true));
            }
            else
            {
                faults.Fault(ip.PathOf(TextKey).Line(line.Number), line.Text, reason);
            }
        }

        return faults.IsWithin(Bounds.Destinations, count, ip.PathOf(TextKey)) ? entries : [];
    }

    private static DestinationEntry? ReadFallback(ObjectReader ip, FaultList faults)
    {
        if (ip.Text(FallbackKey) is not string text)
        {
            return null;
        }

        if (AddressText.TryParsePrefix(text, out IPAddress? address, out _, out string? reason)
            && DestinationGrammar.TryCheckAddress(address, out reason))
        {
            return new DestinationEntry(ip.Path, DestinationEntry.FallbackIndex, text, new FallbackDestination(address));
        }

        faults.Fault(ip.PathOf(FallbackKey), text, reason);
        return null;
    }
}
