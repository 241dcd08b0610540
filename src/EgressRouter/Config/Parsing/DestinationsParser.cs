using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>
/// Parses <c>ip.destinations</c>, <c>ip.destinationsText</c> and <c>ip.fallbackIP</c>: each entry alone, then all together.
/// </summary>
internal static class DestinationsParser
{
    public const string ListKey = "destinations";
    public const string ListPath = $"ip.{ListKey}";
    public const string TextKey = "destinationsText";
    public const string FallbackKey = "fallbackIP";

    /// <param name="addresses">The egress addresses, or null if they are invalid.</param>
    public static ImmutableArray<Destination> Read(ObjectReader ip, ImmutableArray<EgressAddress>? addresses, ConfigErrors errors)
    {
        List<DestinationEntry> entries = ip.Text(TextKey) is string text ? ReadText(ip, text, errors) : ReadList(ip, errors);
        if (ReadFallback(ip, errors) is DestinationEntry fallback)
        {
            entries.Add(fallback);
        }

        // A connection keeps its address family, so the families do not overlap.
        foreach (AddressFamily family in Families.All)
        {
            List<DestinationEntry> ofFamily = entries.FindAll(entry => entry.Destination.Address.AddressFamily == family);
            DestinationRules.CheckFallbacks(ofFamily, errors);
            PortOverlaps.Check(ofFamily, errors);
        }

        if (addresses is not null)
        {
            DestinationRules.CheckAddresses(entries, addresses.Value, errors);
        }

        ImmutableArray<Destination>.Builder destinations = ImmutableArray.CreateBuilder<Destination>(entries.Count);
        foreach (DestinationEntry entry in entries)
        {
            destinations.Add(entry.Destination);
        }

        return destinations.MoveToImmutable();
    }

    private static List<DestinationEntry> ReadList(ObjectReader ip, ConfigErrors errors)
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
                errors.WrongKind(ip.PathOf(ListKey).Item(index), item, "string");
            }
            else if (Destination.TryParse(text, out Destination? destination, out string? reason))
            {
                entries.Add(new DestinationEntry(ip.Path, index, text, destination));
            }
            else
            {
                errors.Add(ip.PathOf(ListKey).Item(index), text, reason);
            }

            index++;
        }

        return entries;
    }

    /// <summary>Parses the multi-line format of the legacy images, which allows comments.</summary>
    private static List<DestinationEntry> ReadText(ObjectReader ip, string text, ConfigErrors errors)
    {
        if (ip.Value(ListKey) is not null)
        {
            errors.Add(ip.PathOf(TextKey), null, $"\"{ListKey}\" and \"{TextKey}\" are mutually exclusive");
        }

        var entries = new List<DestinationEntry>();
        int count = 0;
        foreach (TextLine line in LegacyLines.Of(text))
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
                errors.Add(ip.PathOf(TextKey).Line(line.Number), line.Text, reason);
            }
        }

        return errors.IsWithin(Bounds.Destinations, count, ip.PathOf(TextKey)) ? entries : [];
    }

    private static DestinationEntry? ReadFallback(ObjectReader ip, ConfigErrors errors)
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

        errors.Add(ip.PathOf(FallbackKey), text, reason);
        return null;
    }
}

/// <summary>A destination and its position in the configuration.</summary>
/// <param name="Section">The path of the enclosing object: <c>ip</c>, or an entry of <c>podIP</c>.</param>
/// <param name="Index">The index in <c>destinations</c>, line of <c>destinationsText</c>, int.MaxValue for <c>fallbackIP</c>.</param>
/// <param name="Text">The text as written.</param>
/// <param name="IsLine">Whether the index is a line number of <c>destinationsText</c>.</param>
internal readonly record struct DestinationEntry(JsonPath Section, int Index, string Text, Destination Destination, bool IsLine = false)
{
    public const int FallbackIndex = int.MaxValue;

    public JsonPath Path => Index == FallbackIndex ? Section.Member(DestinationsParser.FallbackKey)
        : IsLine ? Section.Member(DestinationsParser.TextKey).Line(Index)
        : Section.Member(DestinationsParser.ListKey).Item(Index);

    /// <summary>This entry's name in an error about another entry: the line number alone if both are lines of the same text.</summary>
    public string NameFor(DestinationEntry other) => IsLine && other.IsLine ? $"line {Index}" : $"{Path}";
}

/// <param name="Number">The number of its first physical line, counted from one.</param>
/// <param name="Text">The text without surrounding white space.</param>
internal readonly record struct TextLine(int Number, string Text);

/// <summary>
/// Splits a text into lines as the legacy images do: empty lines and lines that begin with '#' are skipped, surrounding white
/// space is trimmed, and a backslash escapes the next character or joins two lines.
/// </summary>
internal static class LegacyLines
{
    public static IEnumerable<TextLine> Of(string text)
    {
        var line = new StringBuilder();
        int start = 1;
        int number = 1;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == '\n')
            {
                string trimmed = line.ToString().Trim();
                if (trimmed is not ("" or ['#', ..]))
                {
                    yield return new TextLine(start, trimmed);
                }

                line.Clear();
                start = ++number;
            }
            else if (text[i] == '\\' && i + 1 < text.Length)
            {
                i++;
                if (text[i] == '\n')
                {
                    number++;
                }
                else
                {
                    line.Append(text[i]);
                }
            }
            else
            {
                line.Append(text[i]);
            }
        }
    }
}
