using System.Globalization;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>A column of what kubectl prints.</summary>
internal sealed record Column(string Name, string Type, string Format, string Description, int Priority, Func<JsonObject, JsonNode?> Cell)
{
    public static Column Age { get; } = Of("Age", "date", ".metadata.creationTimestamp");

    public static Column Of(string name, string type, string path, int priority = 0)
    {
        var parsed = new JsonPath(path);
        return new Column(name, type, "", "", priority, value => CellOf(type, parsed.Find(value)));
    }

    /// <summary>A column of <c>additionalPrinterColumns</c>.</summary>
    public static Column OfDefinition(JsonObject column) => Of(
        column.Text("name")!, column.Text("type")!, column.Text("jsonPath")!,
        column["priority"] is JsonValue priority ? (int)priority.GetValue<long>() : 0) with
    {
        Format = column.Text("format") ?? "",
        Description = column.Text("description") ?? "",
    };

    /// <summary>The columns of an event, by the names that its version has for the fields.</summary>
    public static Column[] OfEvents(string about, string last, string message) =>
    [
        new("Last Seen", "string", "", "", 0, value => AgeOf(value.Text(last) ?? value.Text("eventTime"))),
        Of("Type", "string", ".type"),
        Of("Reason", "string", ".reason"),
        new("Object", "string", "", "", 0, value => $"{value.Text(about, "kind")?.ToLowerInvariant()}/{value.Text(about, "name")}"),
        new("Message", "string", "", "", 0, value => value.Text(message)?.Trim() ?? ""),
    ];

    /// <summary>As kubectl prints a duration.</summary>
    public static string Duration(TimeSpan time)
    {
        string Two(int first, string unit, int second, string smaller) =>
            second == 0 ? $"{first}{unit}" : $"{first}{unit}{second}{smaller}";
        int seconds = (int)time.TotalSeconds;
        return seconds switch
        {
            < -1 => "<invalid>",
            < 0 => "0s",
            < 120 => $"{seconds}s",
            < 600 => Two(seconds / 60, "m", seconds % 60, "s"),
            < 3 * 3600 => $"{seconds / 60}m",
            < 8 * 3600 => Two(seconds / 3600, "h", seconds / 60 % 60, "m"),
            < 48 * 3600 => $"{seconds / 3600}h",
            < 8 * 86400 => Two(seconds / 86400, "d", seconds / 3600 % 24, "h"),
            _ => $"{seconds / 86400}d",
        };
    }

    private static string AgeOf(string? time) =>
        DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset then)
            ? Duration(DateTimeOffset.UtcNow - then)
            : "<unknown>";

    /// <summary>A string shows all values, as newer servers do; 1.20 shows the first. Other types show the first.</summary>
    private static JsonNode? CellOf(string type, IReadOnlyList<JsonNode> found) => found.Count == 0
        ? null
        : type switch
        {
            "string" => string.Join(' ', found.Select(one => one is JsonValue value ? value.ToString() : one.String())),
            "date" => found[0].Text() is string time ? AgeOf(time) : null,
            _ => found[0].DeepClone(),
        };
}
