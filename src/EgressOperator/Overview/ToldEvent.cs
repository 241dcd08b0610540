using System.Globalization;
using System.Text.Json;
using Kubernetes;

namespace EgressOperator.Overview;

/// <summary>An event of an EgressIP or an EgressRouter that the controller has told.</summary>
/// <param name="Key">The namespace and the name of the event.</param>
/// <param name="Kind">That of the object, as its <paramref name="Namespace"/> and <paramref name="Name"/>.</param>
internal sealed record ToldEvent(
    string Key, DateTimeOffset Time, string Kind, string? Namespace, string Name, string Type, string Reason, string Message)
{
    /// <summary>How long one is shown.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(1);

    /// <summary>The name by which the controller tells events.</summary>
    public const string Component = BuildInfo.Name;

    public static Selection Selection { get; } = new(FieldSelector: $"source={Component}");

    public static ToldEvent Read(JsonElement source)
    {
        JsonElement involved = source.Object("involvedObject") ?? default;
        string time = source.Text("lastTimestamp") ?? source.Object("metadata")?.Text("creationTimestamp") ?? "";
        return new ToldEvent(
            ObjectMeta.Of(source).Key,
            DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at)
                ? at : default,
            involved.Text("kind") ?? "", involved.Text("namespace"), involved.Text("name") ?? "",
            source.Text("type") ?? "", source.Text("reason") ?? "", source.Text("message") ?? "");
    }
}
