using System.Text.Json.Nodes;

namespace ApiServer.Tests;

/// <summary>
/// One server for all tests that need no server of their own. With the address of a real one in APISERVER_URL, for example of
/// <c>kubectl proxy</c>, the same tests ask that one.
/// </summary>
public sealed class ServerFixture : IAsyncLifetime
{
    /// <summary>With the subresource status.</summary>
    public const string Widgets = "/apis/test.example/v1/namespaces/default/widgets";

    /// <summary>Cluster-scoped, without the subresource.</summary>
    public const string Gadgets = "/apis/test.example/v1/gadgets";

    private const string Definition = """
        {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "PLURAL.test.example"},
         "spec": {"group": "test.example", "scope": "SCOPE", "names": {"plural": "PLURAL", "kind": "KIND", "shortNames": ["PLURALs"]},
          "versions": [{"name": "v1", "served": true, "storage": true, "subresources": SUBRESOURCES,
           "additionalPrinterColumns": [
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
            {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
            {"name": "Note", "type": "string", "jsonPath": ".metadata.annotations['test\\.example/note']", "priority": 1}],
           "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
            "spec": {"type": "object", "properties": {
             "size": {"type": "integer", "minimum": 0, "maximum": 10},
             "mode": {"type": "string", "enum": ["A", "B"], "default": "A"},
             "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
             "list": {"type": "array", "maxItems": 3, "items": {"type": "string"}},
             "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
             "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port"],
              "items": {"type": "object", "required": ["port"], "properties": {
               "port": {"type": "integer"}, "name": {"type": "string"}, "note": {"type": "string"}}}},
             "labels": {"type": "object", "additionalProperties": {"type": "string"}},
             "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
             "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
             "nothing": {"type": "string", "nullable": true},
             "one": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
              "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}}},
            "status": {"type": "object", "properties": {"phase": {"type": "string"},
             "conditions": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
              "items": {"type": "object", "required": ["type", "status"], "properties": {
               "type": {"type": "string"}, "status": {"type": "string"}, "reason": {"type": "string"}}}}}}}}}}]}}
        """;

    private static int _count;

    /// <summary>Null if it is a real one.</summary>
    public KubeApiServer? Server { get; private set; }

    internal Api Api { get; private set; } = null!;

    /// <summary>A name that no other test has.</summary>
    public static string NewName(string prefix = "t") =>
        $"{prefix}-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}";

    public async Task InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("APISERVER_URL") is string real)
        {
            Api = new Api(new Uri(real));
        }
        else
        {
            Server = await KubeApiServer.Start();
            Api = new Api(Server.Url);
        }

        await Define(Api);
    }

    public async Task DisposeAsync()
    {
        Api.Dispose();
        if (Server is not null)
        {
            await Server.DisposeAsync();
        }
    }

    /// <summary>Defines Widget and Gadget.</summary>
    internal static async Task Define(Api api)
    {
        (string, string, string, string)[] kinds =
            [("widgets", "Widget", "Namespaced", "{\"status\": {}}"), ("gadgets", "Gadget", "Cluster", "{}")];
        foreach ((string plural, string kind, string scope, string subresources) in kinds)
        {
            string definition = Definition
                .Replace("PLURAL", plural, StringComparison.Ordinal).Replace("KIND", kind, StringComparison.Ordinal)
                .Replace("SCOPE", scope, StringComparison.Ordinal).Replace("SUBRESOURCES", subresources, StringComparison.Ordinal);
            Answer answer = await api.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
            Assert.True(answer.Code == 201 || answer.Reason == "AlreadyExists", answer.ToString());
        }

        DateTime end = DateTime.UtcNow.AddSeconds(15);
        while ((await api.Get(Widgets)).Code != 200 || (await api.Get(Gadgets)).Code != 200)
        {
            Assert.True(DateTime.UtcNow < end, "the kinds are not served");
            await Task.Delay(50);
        }
    }

    internal static string Widget(string name, string spec = "{}", string more = "") =>
        $$"""{"apiVersion": "test.example/v1", "kind": "Widget", "metadata": {"name": "{{name}}"}, "spec": {{spec}}{{more}}}""";

    internal static string Gadget(string name, string spec = "{}", string more = "") =>
        $$"""{"apiVersion": "test.example/v1", "kind": "Gadget", "metadata": {"name": "{{name}}"}, "spec": {{spec}}{{more}}}""";

    /// <summary>Makes a widget and returns it.</summary>
    internal async Task<(string Path, JsonObject Made)> NewWidget(string spec = "{}")
    {
        string name = NewName();
        return ($"{Widgets}/{name}", (await Api.Post(Widgets, Widget(name, spec))).Object);
    }

    /// <summary>Makes a gadget and returns it.</summary>
    internal async Task<(string Path, JsonObject Made)> NewGadget(string spec = "{}")
    {
        string name = NewName();
        return ($"{Gadgets}/{name}", (await Api.Post(Gadgets, Gadget(name, spec))).Object);
    }
}

[CollectionDefinition("server")]
public class ServerCollection : ICollectionFixture<ServerFixture>;
