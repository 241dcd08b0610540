using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>The IPAM plugin of a configuration, known before the rest is, and whatever is wrong with that: DEL has to reach it.</summary>
public static class IpamSettings
{
    /// <summary>
    /// The plugin's name (<c>ipam.type</c>); null: there is none. The router itself is none: ADD refuses it, so that there is
    /// nothing that it could be asked to take back.
    /// </summary>
    public static string? TypeOf(JsonElement config) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty("ipam", out JsonElement ipam)
        && JsonText.OfMember(ipam, "type") is { Length: > 0 } name && name != JsonText.OfMember(config, "type")
            ? name
            : null;
}
