using System.Text.Json.Nodes;
using Shared;

namespace SystemTests;

/// <summary>Configurations as a NetworkAttachmentDefinition holds them.</summary>
internal static class Config
{
    /// <summary>The documented example.</summary>
    public const string Redirect = """
        {
          "cniVersion": "0.4.0",
          "type": "egress-router",
          "name": "egress-router",
          "ip": {
            "addresses": ["192.168.12.99/24"],
            "destinations": ["192.168.12.91/32"],
            "gateway": "192.168.12.1"
          }
        }
        """;

    /// <summary>The documented example, for IPv6.</summary>
    public const string Redirect6 = """
        {
          "cniVersion": "0.4.0",
          "type": "egress-router",
          "name": "egress-router",
          "ip": {
            "addresses": ["2001:db8:12::99/64"],
            "destinations": ["2001:db8:12::91/128"],
            "gateway": "2001:db8:12::1"
          }
        }
        """;

    /// <summary>The example with both families: other ports go to 203.0.113.25 and 2001:db8:113::25.</summary>
    public static string DualStack { get; } = File.ReadAllText(Repository.PathOf("cni-conf-examples", "dual-stack.json"));

    /// <summary>Both families, whose addresses another program assigns.</summary>
    public static string HighAvailability { get; } =
        File.ReadAllText(Repository.PathOf("cni-conf-examples", "high-availability.json"));

    /// <summary>Both families, two IPv4 addresses, and nothing for ports that are not listed.</summary>
    public static string TwoAddresses { get; } = ChangedDualStack(config =>
    {
        config["ip"]!["addresses"] = new JsonArray("192.168.12.98/24", "192.168.12.99/24", "2001:db8:12::99/64");
        config["ip"]!["destinations"] = new JsonArray("80 tcp 192.168.12.91", "80 tcp 2001:db8:12::91", "8000-8100 udp 192.168.12.91");
    });

    /// <summary>The documented example with three destinations.</summary>
    public static string ThreeDestinations { get; } =
        With("80 UDP 10.100.3.0/30", "8080 TCP 203.0.113.26/30 80", "8443 TCP 203.0.113.27/30 443");

    /// <summary>The documented example with other destinations.</summary>
    public static string With(params IEnumerable<string> destinations) =>
        Changed(config => config["ip"]!["destinations"] = new JsonArray([.. destinations.Select(text => (JsonNode)text)]));

    /// <summary>The documented example, changed.</summary>
    public static string Changed(Action<JsonObject> change) => Changed(Redirect, change);

    /// <summary>The example with both families, changed.</summary>
    public static string ChangedDualStack(Action<JsonObject> change) => Changed(DualStack, change);

    /// <summary>A configuration, changed.</summary>
    public static string Changed(string json, Action<JsonObject> change)
    {
        JsonObject config = JsonNode.Parse(json)!.AsObject();
        change(config);
        return config.ToJsonString();
    }
}
