using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>Writes a router's NetworkAttachmentDefinition, Deployment and Service, all with the router's name.</summary>
internal static class LegacyManifest
{
    // The JSON goes into YAML, not into HTML.
    private static readonly JsonWriterOptions _json = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    /// <summary>Returns the objects as YAML documents.</summary>
    /// <param name="router">A router without faults.</param>
    /// <param name="space">The namespace if the router has none, or null to write none.</param>
    /// <param name="image">The pod's image, or null for the default one or for a name to be replaced. A redirecting router's image only
    /// has to keep running.</param>
    /// <param name="holdImage">The image of egress-operator, for a pair, or null for a name to be replaced.</param>
    public static string Of(LegacyRouter router, string? space, string? image, string? holdImage = null)
    {
        string name = YamlWords.Quoted(router.Name.Text);
        string metadata = $"  name: {name}\n"
            + ((router.Namespace ?? space) is string given ? $"  namespace: {YamlWords.Quoted(given)}\n" : "");
        string config = Encoding.UTF8.GetString(Json(router)).Replace("\n", "\n    ", StringComparison.Ordinal);
        IEnumerable<string> written = router.Origin is { HasService: true } origin
            ? origin.Services.Select(service => YamlWords.Members(service.Children, 0)) : [Service(router, name, metadata)];
        string services = string.Concat(written.Select(service => "---\n" + service));
        string rights = router.IsPair ? PairText.Rights(router, metadata) : "";
        return $$"""
            apiVersion: k8s.cni.cncf.io/v1
            kind: NetworkAttachmentDefinition
            metadata:
            {{metadata}}spec:
              config: |-
                {{config}}
            ---
            {{DeploymentText.Of(router, metadata, image, holdImage)}}{{services}}{{rights}}
            """;
    }

    private static string Service(LegacyRouter router, string name, string metadata) => $$"""
        apiVersion: v1
        kind: Service
        metadata:
        {{metadata}}spec:
        {{Selector(router, name)}}{{Ports(router)}}
        """;

    private static string Selector(LegacyRouter router, string name) =>
        router.IsPair ? "  # No selector: the pod that holds the addresses makes itself the endpoint.\n"
        : router.Origin is { Labels.Children.Count: > 0 } origin ? YamlWords.Members([new("selector", origin.Labels)], 2)
        : $"  selector: {{ app: {name} }}\n";

    /// <summary>Returns the router's network configuration.</summary>
    internal static JsonElement ConfigOf(LegacyRouter router)
    {
        using JsonDocument document = JsonDocument.Parse(Json(router));
        return document.RootElement.Clone();
    }

    private static byte[] Json(LegacyRouter router)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, _json))
        {
            json.WriteStartObject();
            json.WriteString("cniVersion", "0.4.0");
            json.WriteString("type", "egress-router");
            json.WriteString("name", router.Name.Text);
            if (router.Master is not null || router.Mode is not null)
            {
                json.WriteStartObject("interfaceArgs");
                Write(json, "master", router.Master);
                Write(json, "mode", router.Mode);
                json.WriteEndObject();
            }

            json.WriteStartObject("ip");
            if (router.IsPair)
            {
                json.WriteBoolean("highAvailability", true);
            }

            Write(json, "addresses", router.Addresses);
            if (router.Gateways.Length > 0)
            {
                Write(json, "gateways", router.Gateways);
            }

            if (router.Proxy is null)
            {
                Write(json, "destinations", router.Destinations);
            }

            Write(json, "fallbackIP", router.Fallback);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, string key, LocatedText? value)
    {
        if (value is not null)
        {
            json.WriteString(key, value.Text);
        }
    }

    private static void Write(Utf8JsonWriter json, string key, IEnumerable<LocatedText> values)
    {
        json.WriteStartArray(key);
        foreach (LocatedText value in values)
        {
            json.WriteStringValue(value.Text);
        }

        json.WriteEndArray();
    }

    /// <summary>
    /// A Service needs a list of ports. If all ports are redirected, the Service is headless, and its name resolves to the pod.
    /// </summary>
    private static string Ports(LegacyRouter router)
    {
        if (router.Proxy is LegacyProxy proxy)
        {
            return "  ports:\n" + string.Concat(
                proxy.Ports().Select(port => $"    - {{ name: tcp-{port}, protocol: TCP, port: {port} }}\n"));
        }

        RouterConfig config = RouterConfig.Parse(ConfigOf(router)).Config!;
        PortDestination[] ports = [.. config.Destinations.OfType<PortDestination>().DistinctBy(port => port.PortText)];
        if (ports.Length == 0 || config.Destinations.Any(destination => destination is FallbackDestination))
        {
            return "  # All ports are redirected: the name leads to the pod itself.\n  clusterIP: None\n";
        }

        return "  ports:\n" + string.Concat(ports.Select(port =>
        {
            string protocol = port.Protocol.ToString().ToUpperInvariant();
            return $"    - {{ name: {protocol.ToLowerInvariant()}-{port.FirstPort}, protocol: {protocol}, port: {port.FirstPort} }}\n";
        }));
    }
}
