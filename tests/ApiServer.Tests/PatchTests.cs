using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

[Collection("server")]
public class PatchTests(ServerFixture server)
{
    private const string Any = """{"any": {"a": 1, "list": [1, 2], "deep": {"x": "y", "a/b": 1}}}""";

    private Api Api => server.Api;

    [Theory]
    [InlineData("""{"op": "add", "path": "/spec/any/b", "value": 2}""", """{"a":1,"list":[1,2],"deep":{"x":"y","a/b":1},"b":2}""")]
    [InlineData("""{"op": "add", "path": "/spec/any/list/0", "value": 0}""", """{"a":1,"list":[0,1,2],"deep":{"x":"y","a/b":1}}""")]
    [InlineData("""{"op": "add", "path": "/spec/any/list/-", "value": 3}""", """{"a":1,"list":[1,2,3],"deep":{"x":"y","a/b":1}}""")]
    [InlineData("""{"op": "remove", "path": "/spec/any/list/1"}""", """{"a":1,"list":[1],"deep":{"x":"y","a/b":1}}""")]
    [InlineData("""{"op": "replace", "path": "/spec/any/deep/a~1b", "value": 2}""", """{"a":1,"list":[1,2],"deep":{"x":"y","a/b":2}}""")]
    [InlineData("""{"op": "move", "from": "/spec/any/a", "path": "/spec/any/b"}""", """{"list":[1,2],"deep":{"x":"y","a/b":1},"b":1}""")]
    [InlineData("""{"op": "copy", "from": "/spec/any/a", "path": "/spec/any/b"}""", """{"a":1,"list":[1,2],"deep":{"x":"y","a/b":1},"b":1}""")]
    [InlineData("""{"op": "test", "path": "/spec/any/a", "value": 1}""", """{"a":1,"list":[1,2],"deep":{"x":"y","a/b":1}}""")]
    public async Task A_JSON_patch_is_applied(string operation, string expected)
    {
        (string path, _) = await server.NewWidget(Any);
        Answer answer = await Api.Patch(path, "json", $"[{operation}]");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), answer.Object["spec"]!["any"]), answer.ToString());
    }

    [Theory]
    [InlineData("""[{"op": "test", "path": "/spec/any/a", "value": 2}]""", 422)]
    [InlineData("""[{"op": "remove", "path": "/spec/any/z"}]""", 422)]
    [InlineData("""[{"op": "replace", "path": "/spec/any/list/5", "value": 1}]""", 422)]
    [InlineData("""[{"op": "add", "path": "/metadata/annotations/a", "value": "b"}]""", 422)]
    [InlineData("""[{"op": "add", "path": "/spec/any/list/5", "value": 1}]""", 422)]
    [InlineData("""{"op": "remove", "path": "/spec"}""", 400)]
    public async Task A_JSON_patch_that_cannot_be_applied_is_refused(string patch, int code)
    {
        (string path, _) = await server.NewWidget(Any);
        Assert.Equal(code, (await Api.Patch(path, "json", patch)).Code);
    }

    [Theory]
    [InlineData("""{"b": 2}""", """{"a":1,"list":[1,2],"deep":{"x":"y","a/b":1},"b":2}""")]
    [InlineData("""{"list": [3], "deep": null}""", """{"a":1,"list":[3]}""")]
    [InlineData("""{"deep": {"x": null, "z": {"n": null}}}""", """{"a":1,"list":[1,2],"deep":{"a/b":1,"z":{}}}""")]
    [InlineData("""{"a": {"b": {}}}""", """{"a":{"b":{}},"list":[1,2],"deep":{"x":"y","a/b":1}}""")]
    public async Task A_merge_patch_is_applied(string any, string expected)
    {
        (string path, _) = await server.NewWidget(Any);
        Answer answer = await Api.Patch(path, "merge", $$$"""{"spec": {"any": {{{any}}}}}""");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), answer.Object["spec"]!["any"]), answer.ToString());
    }

    [Fact]
    public async Task A_resourceVersion_in_a_patch_is_a_precondition()
    {
        (string path, JsonObject made) = await server.NewWidget();
        string patch = $$$"""{"metadata": {"resourceVersion": {{{made["metadata"]!["resourceVersion"]!.ToJsonString()}}}}, "spec": {"size": SIZE}}""";
        Assert.Equal(200, (await Api.Patch(path, "merge", patch.Replace("SIZE", "1", StringComparison.Ordinal))).Code);
        Answer late = await Api.Patch(path, "merge", patch.Replace("SIZE", "2", StringComparison.Ordinal));
        Assert.Equal((409, "Conflict"), (late.Code, late.Reason));
    }

    [Fact]
    public async Task What_the_server_writes_cannot_be_patched()
    {
        (string path, JsonObject made) = await server.NewWidget();
        Answer answer = await Api.Patch(
            path, "merge", """{"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z", "generation": 77}, "spec": {"size": 1}}""");
        Assert.Equal(made["metadata"]!["creationTimestamp"]!.ToJsonString(), answer.Part("metadata/creationTimestamp"));
        Assert.Equal("2", answer.Part("metadata/generation"));
    }

    [Fact]
    public async Task A_custom_object_has_no_strategic_merge_patch()
    {
        (string path, _) = await server.NewWidget();
        Answer answer = await Api.Patch(path, "strategic-merge", """{"spec": {"size": 1}}""");
        Assert.Equal((415, "UnsupportedMediaType"), (answer.Code, answer.Reason));
    }

    [Fact]
    public async Task A_strategic_merge_patch_merges_lists_by_their_keys()
    {
        string name = NewName("node");
        await Api.Post("/api/v1/nodes", $$"""
            {"metadata": {"name": "{{name}}", "finalizers": ["a.example/x"]}, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]},
             "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Up"}, {"type": "Disk", "status": "False"}]} }
            """);
        Answer status = await Api.Patch(
            $"/api/v1/nodes/{name}/status", "strategic-merge",
            """{"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "New", "status": "True"}, {"$patch": "delete", "type": "Disk"}]}}""");
        Assert.Equal(
            ["New=True ", "Ready=False Up"], status.Object["status"]!["conditions"]!.AsArray()
                .Select(one => $"{one!["type"]}={one["status"]} {one["reason"]}").Order());
        Answer whole = await Api.Patch(
            $"/api/v1/nodes/{name}", "strategic-merge",
            """{"metadata": {"finalizers": ["b.example/x"], "labels": {"a": "b"}}, "spec": {"taints": [{"key": "b", "effect": "NoExecute"}]}}""");
        Assert.Equal(
            ["a.example/x", "b.example/x"],
            whole.Object["metadata"]!["finalizers"]!.AsArray().Select(one => (string)one!).Order());
        Assert.Equal(["b"], whole.Object["spec"]!["taints"]!.AsArray().Select(one => (string)one!["key"]!));
        await Api.Patch($"/api/v1/nodes/{name}", "merge", """{"metadata": {"finalizers": null}}""");
        await Api.Delete($"/api/v1/nodes/{name}");
    }
}
