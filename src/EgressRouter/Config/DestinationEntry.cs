namespace EgressRouter.Config;

/// <summary>A destination and where it stands.</summary>
/// <param name="Section">The path of the object that it stands in: <c>ip</c>.</param>
/// <param name="Index">The index in <c>destinations</c>; int.MaxValue for <c>fallbackIP</c>.</param>
/// <param name="Text">The text as it stands there.</param>
/// <param name="Destination">What it says.</param>
/// <param name="IsLine">Whether it is a line of <c>destinationsText</c>, whose number the index is.</param>
internal readonly record struct DestinationEntry(string Section, int Index, string Text, Destination Destination, bool IsLine = false)
{
    public const int FallbackIndex = int.MaxValue;

    /// <summary>The JSON path.</summary>
    public string Path => Index == FallbackIndex
        ? $"{Section}.{DestinationsReader.FallbackKey}"
        : IsLine ? PathOfLine(Section, Index)
        : JsonPath.Item($"{Section}.{DestinationsReader.ListKey}", Index);

    /// <summary>The path of a line of <c>destinationsText</c>.</summary>
    public static string PathOfLine(string section, int line) => $"{section}.{DestinationsReader.TextKey}[line {line}]";
}
