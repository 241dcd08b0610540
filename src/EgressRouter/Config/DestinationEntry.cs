namespace EgressRouter.Config;

/// <summary>A destination and where it stands.</summary>
/// <param name="Index">The index in <c>ip.destinations</c>; int.MaxValue for <c>ip.fallbackIP</c>.</param>
/// <param name="Text">The text as it stands there.</param>
/// <param name="Destination">What it says.</param>
internal readonly record struct DestinationEntry(int Index, string Text, Destination Destination)
{
    public const int FallbackIndex = int.MaxValue;

    /// <summary>The JSON path.</summary>
    public string Path => Index == FallbackIndex ? DestinationsReader.FallbackPath : JsonPath.Item(DestinationsReader.ListPath, Index);
}
