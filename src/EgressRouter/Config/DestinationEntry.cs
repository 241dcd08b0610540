namespace EgressRouter.Config;

/// <summary>A destination and where it stands.</summary>
/// <param name="Section">The path of the object that it stands in: <c>ip</c>.</param>
/// <param name="Index">The index in <c>destinations</c>; int.MaxValue for <c>fallbackIP</c>.</param>
/// <param name="Text">The text as it stands there.</param>
/// <param name="Destination">What it says.</param>
/// <param name="IsLine">Whether it is a line of <c>destinationsText</c>, whose number the index is.</param>
internal readonly record struct DestinationEntry(JsonPath Section, int Index, string Text, Destination Destination, bool IsLine = false)
{
    public const int FallbackIndex = int.MaxValue;

    /// <summary>The JSON path.</summary>
    public JsonPath Path => Index == FallbackIndex ? Section.Member(DestinationsReader.FallbackKey)
        : IsLine ? Section.Member(DestinationsReader.TextKey).Line(Index)
        : Section.Member(DestinationsReader.ListKey).Item(Index);

    /// <summary>What another entry calls this one: a line of the same text by its number alone.</summary>
    public string NameFor(DestinationEntry other) => IsLine && other.IsLine ? $"line {Index}" : $"{Path}";
}
