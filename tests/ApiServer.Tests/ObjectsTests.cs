using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

/// <summary>Objects that a test arranges and reads without a request.</summary>
public class ObjectsTests : OwnServer
{
    [Fact]
    public async Task An_object_is_made_and_changed_as_given_with_its_status()
    {
        using Lines watch = await Api.Watch("/api/v1/nodes?watch=true");
        JsonObject made = Node(
            """{"status": {"conditions": [{"type": "Ready", "status": "True"}], "phase": "x"}, "metadata": {"labels": {"a": "b"}}}""");
        JsonObject changed = Node("""{"status": {"conditions": [{"type": "Ready", "status": "False"}], "phase": null}}""");
        Assert.Equal((string?)made["metadata"]!["uid"], (string?)changed["metadata"]!["uid"]);
        Assert.Equal("b", (string?)changed["metadata"]!["labels"]!["a"]);
        Assert.False(changed["status"]!.AsObject().ContainsKey("phase"));
        Assert.Equal("False", (string?)Server.Get("nodes", "n1")!["status"]!["conditions"]![0]!["status"]);
        Assert.Equal(["ADDED n1", "MODIFIED n1"], await watch.Next(2));
        Server.Delete("nodes", "n1");
        Assert.Equal(["DELETED n1"], await watch.Next(1));
        Assert.Null(Server.Get("nodes", "n1"));
        Assert.Single(Server.Requests);

        JsonObject Node(string more)
        {
            JsonObject node = (JsonObject)JsonNode.Parse(more)!;
            node["apiVersion"] = "v1";
            node["kind"] = "Node";
            node["metadata"] ??= new JsonObject();
            node["metadata"]!["name"] = "n1";
            return Server.Apply(node);
        }
    }

    [Fact]
    public void What_is_returned_is_a_copy()
    {
        Server.ApplyYaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: y}}");
        Server.Get("configmaps", "a")!["data"]!["x"] = "z";
        Server.All("configmaps")[0]["data"]!["x"] = "z";
        Assert.Equal("y", (string?)Server.Get("configmaps", "a")!["data"]!["x"]);
    }

    [Fact]
    public void YAML_has_the_types_of_YAML()
    {
        Server.ApplyYaml("""
            apiVersion: test.example/v1
            kind: Widget
            metadata: {name: a, namespace: shop, annotations: {number: "1"}}
            spec: {size: 1, any: {yes: true, no: false, part: 1.5, text: 1.2.3, quoted: "true", list: [1, a, null, ~]}}
            ---
            apiVersion: v1
            kind: Namespace
            metadata: {name: shop}
            """);
        Assert.Equal(
            """{"yes":true,"no":false,"part":1.5,"text":"1.2.3","quoted":"true","list":[1,"a",null,null]}""",
            Server.Get("widgets", "a", "shop")!["spec"]!["any"]!.ToJsonString());
        Assert.Equal("shop", (string?)Server.Get("namespaces", "shop")!["metadata"]!["labels"]!["kubernetes.io/metadata.name"]);
        Assert.Equal(["a"], Server.All("widgets", "shop").Select(one => (string?)one["metadata"]!["name"]));
        Assert.Empty(Server.All("widgets", "default"));
    }

    [Fact]
    public async Task A_wait_ends_with_the_condition_or_with_its_limit()
    {
        Task wait = Server.Until("widgets", all => all.Count == 1);
        Assert.False(wait.IsCompleted);
        await Api.Post(Widgets, Widget("a"));
        await wait;
        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(
            () => Server.Until("widgets", all => all.Count == 2, TimeSpan.FromMilliseconds(50)));
        Assert.Contains("\"name\":\"a\"", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_ends_with_its_kind()
    {
        Server.BookmarkInterval = TimeSpan.FromMilliseconds(50);
        using Lines watch = await Api.Watch(Gadgets + "?watch=true");
        Server.Delete("customresourcedefinitions", "gadgets.test.example");
        Assert.Null(await watch.Raw());
        Assert.Equal(404, (await Api.Get(Gadgets)).Code);
    }

    /// <summary>Two versions of one kind are one set of objects.</summary>
    [Fact]
    public async Task A_kind_has_several_versions()
    {
        JsonObject definition = Server.Get("customresourcedefinitions", "gadgets.test.example")!;
        JsonObject second = (JsonObject)definition["spec"]!["versions"]![0]!.DeepClone();
        second["name"] = "v2";
        second["storage"] = false;
        definition["spec"]!["versions"]!.AsArray().Add(second);
        Server.Apply(definition);
        await Api.Post(Gadgets, Gadget("a"));
        Answer newer = await Api.Get(Gadgets.Replace("/v1/", "/v2/", StringComparison.Ordinal) + "/a");
        Assert.Equal("\"test.example/v2\"", newer.Part("apiVersion"));
        Answer older = await Api.Get(Gadgets + "/a");
        Assert.Equal(("\"test.example/v1\"", newer.Revision), (older.Part("apiVersion"), older.Revision));
    }
}
