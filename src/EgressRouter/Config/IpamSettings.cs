using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>The IPAM plugin of a configuration, known before the rest is, and whatever is wrong with that: DEL has to reach it.</summary>
public static class IpamSettings
{
    /// <summary>The plugin's name (<c>ipam.type</c>); null: there is none.</summary>
    public static string? TypeOf(JsonElement config) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty("ipam", out JsonElement ipam)
        && ipam.ValueKind == JsonValueKind.Object && ipam.TryGetProperty("type", out JsonElement type)
        && JsonText.Of(type) is { Length: > 0 } name
            ? name
            : null;
}
