using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>Events are stored as core/v1 has them; events.k8s.io/v1 has other names for some fields.</summary>
internal static class EventConversion
{
    private static readonly (string Core, string New)[] _names =
    [
        ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
        ("reportingComponent", "reportingController"),
    ];

    public static void FromStorage(JsonObject value)
    {
        value["apiVersion"] = "events.k8s.io/v1";
        foreach ((string core, string name) in _names)
        {
            Rename(value, core, name);
        }
    }

    public static void ToStorage(JsonObject value)
    {
        value["apiVersion"] = "v1";
        foreach ((string core, string name) in _names)
        {
            Rename(value, name, core);
        }
    }

    private static void Rename(JsonObject value, string from, string to)
    {
        if (value.Remove(from, out JsonNode? member))
        {
            value[to] = member;
        }
    }
}
