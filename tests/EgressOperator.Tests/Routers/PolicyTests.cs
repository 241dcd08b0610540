using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cel;
using EgressOperator.Objects;
using EgressOperator.Routers;
using Shared;
using YamlDotNet.RepresentationModel;

namespace EgressOperator.Tests.Routers;

/// <summary>
/// The policy in packaging/operator, by an evaluator of its language. The functions for addresses are those of Kubernetes 1.31; there is no
/// such API server here.
/// </summary>
public class PolicyTests
{
    private static readonly (string Expression, string Message)[] _rules = [.. Rules()];

    /// <summary>A change of a valid object, and a part of the message that refuses it; empty: it stays valid.</summary>
    public static TheoryData<string, string, string> Changes => new()
    {
        { "metadata.name", "\"er\"", "" },
        { "metadata.name", "\"1.er\"", "metadata.name" },
        { "metadata.name", "\"Er\"", "metadata.name" },
        { "spec.addresses", "[]", "at least one address" },
        { "spec.addresses", """[{ "ip": "192.168.12.99/24" }, { "ip": "fd00:12::99/64" }]""", "" },
        { "spec.addresses", """[{ "ip": "192.168.12.99" }]""", "prefix length" },
        { "spec.addresses", """[{ "ip": "192.168.12.99/24", "gateway": "192.168.12.1" }]""", "" },
        { "spec.addresses", """[{ "ip": "192.168.12.99/24", "gateway": "x" }]""", "each gateway" },
        { "spec.addresses", """[{ "ip": "192.168.12.99/24", "gateway": "fd00:12::1" }]""", "family" },
        { "spec.redirect", "null", "nothing to redirect to" },
        { "spec.redirect", "{}", "nothing to redirect to" },
        { "spec.redirect", """{ "redirectRules": [], "fallbackIP": "" }""", "nothing to redirect to" },
        { "spec.redirect", """{ "fallbackIP": "203.0.113.26" }""", "" },
        { "spec.redirect", """{ "fallbackIP": "y" }""", "fallbackIP" },
        { "spec.redirect", """{ "redirectRules": [{ "port": 80, "protocol": "TCP", "destinationIP": "y" }] }""", "each destinationIP" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void It_refuses_what_the_controller_refuses(string path, string value, string refusal)
    {
        JsonObject router = RouterSamples.Router("er", "192.168.12.99/24");
        router["metadata"]!["uid"] = "u";
        JsonObject part = router[path.Split('.')[0]]!.AsObject();
        part.Remove(path.Split('.')[1]);
        if (JsonNode.Parse(value) is JsonNode given)
        {
            part[path.Split('.')[1]] = given;
        }

        string[] refusals = [.. _rules.Where(rule => !Holds(rule.Expression, router)).Select(rule => rule.Message)];
        Assert.Equal(refusal.Length == 0 ? 0 : 1, refusals.Length);
        Assert.All(refusals, message => Assert.Contains(refusal, message, StringComparison.Ordinal));
        Assert.Equal(refusal.Length == 0, RenderedRouter.Of(JsonSerializer.SerializeToElement(router), new RouterImages()).Faults.IsEmpty);
    }

    private static IEnumerable<(string Expression, string Message)> Rules()
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(File.ReadAllText(Repository.PathOf("packaging", "egressrouter", "policy.yaml"))));
        JsonNode policy = JsonNodes.From(stream.Documents[0].RootNode)!;
        return policy["spec"]!["validations"]!.AsArray().Select(rule => ((string)rule!["expression"]!, (string)rule["message"]!));
    }

    private static bool Holds(string expression, JsonObject router)
    {
        var language = new CelEnvironment(null, null);
        language.RegisterFunction("isIP", [typeof(string)], arguments => IPAddress.TryParse((string)arguments[0]!, out _));
        language.RegisterFunction("isCIDR", [typeof(string)], arguments => AddressOf(arguments[0]) is not null);
        language.RegisterFunction("ip", [typeof(string)], arguments => IPAddress.Parse((string)arguments[0]!));
        language.RegisterFunction("cidr", [typeof(string)], arguments => new Network(AddressOf(arguments[0])!));
        language.RegisterFunction("ip", [typeof(Network)], arguments => ((Network)arguments[0]!).Address);
        language.RegisterFunction("family", [typeof(IPAddress)], arguments =>
            ((IPAddress)arguments[0]!).AddressFamily == AddressFamily.InterNetwork ? 4L : 6L);
        return (bool)language.Program(expression, new Dictionary<string, object?> { ["object"] = Plain(router) })!;
    }

    private static IPAddress? AddressOf(object? cidr) =>
        ((string)cidr!).Split('/') is [string address, _] && IPAddress.TryParse(address, out IPAddress? read) ? read : null;

    private static object? Plain(JsonNode? node) => node switch
    {
        JsonObject members => members.ToDictionary(member => member.Key, member => Plain(member.Value)),
        JsonArray items => items.Select(Plain).ToArray(),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => (string?)value,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => (long)value.GetValue<int>(),
        _ => null,
    };

    private sealed record Network(IPAddress Address);
}
