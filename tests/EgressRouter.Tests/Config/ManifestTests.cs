using System.Globalization;
using System.Net;
using System.Text.Json;
using EgressRouter.Config;
using EgressRouter.Legacy;
using Shared;
using YamlDotNet.Serialization;

namespace EgressRouter.Tests.Config;

/// <summary>The manifests are valid configurations and consistent objects.</summary>
public class ManifestTests
{
    /// <summary>The manifest whose interface another plugin creates.</summary>
    private const string Init = "init.yaml";

    public static TheoryData<string> Manifests =>
        [.. Directory.GetFiles(Repository.PathOf("packaging", "manifests"), "*.yaml").Select(file => Path.GetFileName(file))
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void The_configuration_of_a_manifest_is_valid(string file)
    {
        JsonElement[] definitions = [.. Read(file, "NetworkAttachmentDefinition")];
        Assert.NotEmpty(definitions);
        Assert.All(definitions, definition =>
        {
            using JsonDocument document = JsonDocument.Parse(At(definition, "spec", "config").GetString()!);
            if (file == Init)
            {
                Assert.Equal("macvlan", document.RootElement.GetProperty("type").GetString());
                return;
            }

            ConfigResult result = RouterConfig.Parse(document.RootElement);
            Assert.Empty(result.Errors);
            Assert.Empty(result.Warnings);
        });
    }

    /// <summary>An egress address has one holder: the old router is gone before the new one is created.</summary>
    [Theory]
    [MemberData(nameof(Manifests))]
    public void A_router_has_one_holder_and_is_found_by_its_service(string file)
    {
        JsonElement router = Assert.Single(Read(file, "Deployment"));
        Assert.Equal("1", At(router, "spec", "replicas").ToString());
        Assert.Equal("Recreate", At(router, "spec", "strategy", "type").GetString());
        string[] networks = [.. Read(file, "NetworkAttachmentDefinition")
            .Select(definition => At(definition, "metadata", "name").GetString()!)];
        Assert.Contains(At(router, "spec", "template", "metadata", "annotations", "k8s.v1.cni.cncf.io/networks").GetString(), networks);

        JsonElement labels = At(router, "spec", "template", "metadata", "labels");
        AssertSelects(At(router, "spec", "selector", "matchLabels"), labels);
        AssertSelects(At(Assert.Single(Read(file, "Service")), "spec", "selector"), labels);
    }

    /// <summary>The router redirects, or listens on, each of the Service's ports, with the same protocol.</summary>
    [Theory]
    [MemberData(nameof(Manifests))]
    public void Every_port_of_the_service_has_a_destination(string file)
    {
        Destination[] destinations = [.. DestinationsOf(file)];
        Assert.All(At(Assert.Single(Read(file, "Service")), "spec", "ports").EnumerateArray(), port => Assert.Contains(
            destinations.OfType<PortDestination>(),
            destination =>
                destination.Protocol.ToString().Equals(port.GetProperty("protocol").GetString(), StringComparison.OrdinalIgnoreCase)
                && int.Parse(port.GetProperty("port").ToString(), CultureInfo.InvariantCulture) is int number
                && number >= destination.FirstPort && number <= destination.LastPort));
    }

    /// <summary>A manifest's destinations, from its configuration or its containers' variables, which must be valid.</summary>
    private static IEnumerable<Destination> DestinationsOf(string file)
    {
        JsonElement pod = At(Assert.Single(Read(file, "Deployment")), "spec", "template", "spec");
        var faults = new List<LegacyFault>();
        if (file == Init)
        {
            Dictionary<string, string> variables = VariablesOf(pod.GetProperty("initContainers"));
            return InitEnvironment.Read(variables.GetValueOrDefault).Config!.Destinations;
        }

        Dictionary<string, string> own = VariablesOf(pod.GetProperty("containers"));
        using JsonDocument document = JsonDocument.Parse(
            At(Assert.Single(Read(file, "NetworkAttachmentDefinition")), "spec", "config").GetString()!);
        Destination[] found = own.GetValueOrDefault(DnsProxyList.Variable) is string ports
            ? [.. DnsProxyList.Read(ports, faults).Select(rule => On(rule.Port))]
            : own.GetValueOrDefault(HttpProxyList.Variable) is string list && !HttpProxyList.Read(list, faults).IsEmpty
            ? [On(SquidConfig.Port)]
            : [.. RouterConfig.Parse(document.RootElement).Config!.Destinations];
        Assert.Empty(faults);
        return found;
    }

    private static PortDestination On(int port) => new(TransportProtocol.Tcp, (ushort)port, (ushort)port, IPAddress.Any, null);

    private static Dictionary<string, string> VariablesOf(JsonElement containers) =>
        Assert.Single(containers.EnumerateArray()) is JsonElement container && container.TryGetProperty("env", out JsonElement list)
        ? list.EnumerateArray().ToDictionary(
            variable => variable.GetProperty("name").GetString()!, variable => variable.GetProperty("value").GetString()!) : [];

    private static void AssertSelects(JsonElement selector, JsonElement labels)
    {
        Assert.NotEmpty(selector.EnumerateObject());
        Assert.All(selector.EnumerateObject(), pair => Assert.Equal(pair.Value.GetString(), labels.GetProperty(pair.Name).GetString()));
    }

    private static JsonElement At(JsonElement element, params string[] path) => path.Aggregate(element, (at, name) => at.GetProperty(name));

    private static IEnumerable<JsonElement> Read(string file, string kind)
    {
        string[] documents = File.ReadAllText(Repository.PathOf("packaging", "manifests", file)).Split("\n---\n");
        ISerializer toJson = new SerializerBuilder().JsonCompatible().Build();
        return documents.Select(
            document => JsonSerializer.Deserialize<JsonElement>(toJson.Serialize(new DeserializerBuilder().Build().Deserialize(document)!)))
            .Where(document => document.GetProperty("kind").GetString() == kind);
    }
}
