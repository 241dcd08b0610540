using System.Text.Json.Nodes;

namespace ApiServer.Tests;

[Collection("server")]
public class DiscoveryTests(ServerFixture server)
{
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

    private Api Api => server.Api;

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/livez")]
    public async Task It_is_healthy(string path)
    {
        Answer answer = await Api.Get(path);
        Assert.Equal((200, "ok"), (answer.Code, (string?)answer.Body));
    }

    [Fact]
    public async Task Groups_and_kinds_are_listed()
    {
        Assert.Equal("1", (string?)(await Api.Get("/version")).Object["major"]);
        Assert.Equal("""["v1"]""", (await Api.Get("/api")).Part("versions"));
        string[] groups = [.. (await Api.Get("/apis")).Object["groups"]!.AsArray().Select(group => (string)group!["name"]!)];
        Assert.Empty(((string[])["apps", "coordination.k8s.io", "events.k8s.io", "apiextensions.k8s.io", "test.example"]).Except(groups));
        Assert.Equal("\"test.example/v1\"", (await Api.Get("/apis/test.example")).Part("preferredVersion/groupVersion"));
        JsonArray kinds = (await Api.Get("/apis/test.example/v1")).Object["resources"]!.AsArray();
        Assert.Equal(
            ["gadgets False Gadget", "widgets True Widget", "widgets/status True Widget"],
            kinds.Where(kind => ((string)kind!["name"]!).Contains("gets", StringComparison.Ordinal))
                .Select(kind => $"{kind!["name"]} {kind["namespaced"]} {kind["kind"]}".Replace("true", "True", StringComparison.Ordinal)
                    .Replace("false", "False", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public async Task A_table_has_the_columns_of_the_definition()
    {
        (string path, _) = await server.NewWidget("{\"size\": 7}");
        await Api.Patch($"{path}/status", "merge", """{"status": {"conditions": [{"type": "Old", "status": "False"}, {"type": "Ready", "status": "True"}]}}""");
        await Api.Patch(path, "merge", """{"metadata": {"annotations": {"test.example/note": "yes"}}}""");
        Answer table = await Api.Get(path, Table);
        Assert.Equal("\"Table\"", table.Part("kind"));
        Assert.Equal(
            ["Name string 0", "Size integer 0", "Ready string 0", "Note string 1"],
            table.Object["columnDefinitions"]!.AsArray().Select(column => $"{column!["name"]} {column["type"]} {column["priority"]}"));
        JsonNode row = Assert.Single(table.Object["rows"]!.AsArray())!;
        Assert.Equal($"""["{path.Split('/')[^1]}",7,"True","yes"]""", row["cells"]!.ToJsonString());
        Assert.Equal("PartialObjectMetadata", (string?)row["object"]!["kind"]);
    }

    [Fact]
    public async Task A_cell_without_a_value_is_null()
    {
        (string path, _) = await server.NewWidget();
        Assert.Equal($"""["{path.Split('/')[^1]}",null,null,null]""", (await Api.Get(path, Table)).Object["rows"]![0]!["cells"]!.ToJsonString());
    }
}

/// <summary>What is read from a column's path.</summary>
public class ColumnTests
{
    [Theory]
    [InlineData(".spec.list[*]", "string", "a b")]
    [InlineData(".spec.list", "string", "[\"a\",\"b\"]")]
    [InlineData(".spec.list[1]", "string", "b")]
    [InlineData(".spec.items[*].name", "string", "x y")]
    [InlineData(".spec.items[?(@.name==\"y\")].value", "string", "2")]
    [InlineData(".spec.items[?(@.name!='y')].value", "integer", "1")]
    [InlineData(".spec.map['a.b/c']", "string", "d")]
    [InlineData(".spec.map.a\\.b/c", "string", "d")]
    [InlineData("{.spec.none}", "string", null)]
    [InlineData(".spec.time", "date", "<invalid>")]
    public async Task Columns_show_all_values_of_a_string(string path, string type, string? expected)
    {
        await using KubeApiServer server = await KubeApiServer.Start();
        server.Apply((JsonObject)JsonNode.Parse($$"""
            {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.test.example"},
             "spec": {"group": "test.example", "scope": "Cluster", "names": {"plural": "things", "kind": "Thing"}, "versions": [
              {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"} },
               "additionalPrinterColumns": [{"name": "C", "type": "{{type}}", "jsonPath": {{JsonValue.Create(path).ToJsonString()}}}]}]} }
            """)!);
        server.Apply((JsonObject)JsonNode.Parse("""
            {"apiVersion": "test.example/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"list": ["a", "b"], "map": {"a.b/c": "d"},
             "items": [{"name": "x", "value": 1}, {"name": "y", "value": 2}], "time": "2999-01-01T00:00:00Z"}}
            """)!);
        using var api = new Api(server.Url);
        Answer table = await api.Get("/apis/test.example/v1/things", "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal(expected, table.Object["rows"]![0]!["cells"]![1]?.ToString());
    }
}
