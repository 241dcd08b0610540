using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

[Collection("server")]
public class DeleteTests(ServerFixture server)
{
    private Api Api => server.Api;

    [Fact]
    public async Task An_object_goes_at_once()
    {
        (string path, JsonObject made) = await server.NewWidget();
        Answer deleted = await Api.Delete(path);
        Assert.Equal((200, "\"Success\""), (deleted.Code, deleted.Part("status")));
        Assert.Equal(made["metadata"]!["uid"]!.ToJsonString(), deleted.Part("details/uid"));
        Assert.Equal(404, (await Api.Get(path)).Code);
        Assert.Equal(404, (await Api.Delete(path)).Code);
    }

    [Fact]
    public async Task Preconditions_are_checked()
    {
        (string path, JsonObject made) = await server.NewWidget();
        Assert.Equal(409, (await Api.Delete(path, Preconditions("uid", Guid.NewGuid().ToString()))).Code);
        Assert.Equal(409, (await Api.Delete(path, Preconditions("resourceVersion", "1"))).Code);
        Assert.Equal(200, (await Api.Delete(path, Preconditions("uid", (string)made["metadata"]!["uid"]!))).Code);
    }

    [Fact]
    public async Task A_finalizer_keeps_an_object_until_it_is_removed()
    {
        (string path, _) = await server.NewWidget();
        Answer held = await Api.Patch(path, "merge", """{"metadata": {"finalizers": ["a.example/x", "a.example/y"]}}""");
        using Lines watch = await Api.Watch(
            $"{Widgets}?watch=true&resourceVersion={held.Revision}&fieldSelector=metadata.name%3D{path.Split('/')[^1]}");
        Answer deleted = await Api.Delete(path);
        Assert.Equal((200, "0", "2"), (
            deleted.Code, deleted.Part("metadata/deletionGracePeriodSeconds"), deleted.Part("metadata/generation")));
        Assert.NotEqual("null", deleted.Part("metadata/deletionTimestamp"));
        Assert.Equal(deleted.Revision, (await Api.Delete(path)).Revision);

        Answer refused = await Api.Patch(path, "merge", """{"metadata": {"finalizers": ["a.example/x", "a.example/y", "a.example/z"]}}""");
        Assert.Equal((422, "metadata.finalizers"), (refused.Code, (string?)refused.Body!["details"]!["causes"]![0]!["field"]));
        Assert.NotEqual("null", (await Api.Patch(path, "merge", """{"metadata": {"deletionTimestamp": null}}""")).Part("metadata/deletionTimestamp"));
        Assert.Equal(200, (await Api.Patch(path, "merge", """{"metadata": {"finalizers": ["a.example/y"]}}""")).Code);
        Assert.Equal(200, (await Api.Patch(path, "merge", """{"metadata": {"finalizers": null}}""")).Code);
        Assert.Equal(404, (await Api.Get(path)).Code);
        string name = path.Split('/')[^1];
        Assert.Equal([$"MODIFIED {name}", $"MODIFIED {name}", $"DELETED {name}"], await watch.Next(3));
    }

    [Fact]
    public async Task A_pod_on_a_node_has_its_time_to_end()
    {
        string name = NewName();
        string path = $"/api/v1/namespaces/default/pods/{name}";
        await Api.Post("/api/v1/namespaces/default/pods", $$"""
            {"metadata": {"name": "{{name}}"}, "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]} }
            """);
        Answer deleted = await Api.Delete(path);
        Assert.Equal((200, "30"), (deleted.Code, deleted.Part("metadata/deletionGracePeriodSeconds")));
        Assert.Equal(200, (await Api.Get(path)).Code);
        Assert.Equal("\"Pod\"", (await Api.Delete(path, """{"gracePeriodSeconds": 0}""")).Part("kind"));
        Assert.Equal(404, (await Api.Get(path)).Code);
    }

    [Fact]
    public async Task A_pod_without_a_node_goes_at_once()
    {
        string name = NewName();
        await Api.Post(
            "/api/v1/namespaces/default/pods", $$"""{"metadata": {"name": "{{name}}"}, "spec": {"containers": [{"name": "c", "image": "i"}]} }""");
        await Api.Delete($"/api/v1/namespaces/default/pods/{name}");
        Assert.Equal(404, (await Api.Get($"/api/v1/namespaces/default/pods/{name}")).Code);
    }

    private static string Preconditions(string key, string value) => $$$"""{"preconditions": {"{{{key}}}": "{{{value}}}"}}""";
}

/// <summary>What kube-controller-manager does: a lone kube-apiserver does not.</summary>
public class CollectorTests : OwnServer
{
    [Theory]
    [InlineData("Background", "", false, false)]
    [InlineData("Background", """, "blockOwnerDeletion": true""", false, false)]
    [InlineData("Foreground", """, "blockOwnerDeletion": true""", false, false)]
    [InlineData("Orphan", "", false, true)]
    public async Task Dependents_go_with_their_owner(string policy, string more, bool hasOwner, bool hasDependent)
    {
        string uid = await Make("owner", "");
        await Make("dependent", Reference("owner", uid, more));
        await Api.Delete(Widgets + "/owner", $$"""{"propagationPolicy": "{{policy}}"}""");
        Assert.Equal(
            (hasOwner, hasDependent), (Server.Get("widgets", "owner") is not null, Server.Get("widgets", "dependent") is not null));
        Assert.Empty(Server.Get("widgets", "dependent")?["metadata"]!["ownerReferences"]!.AsArray() ?? []);
    }

    [Fact]
    public async Task A_blocking_dependent_with_a_finalizer_keeps_its_owner_in_the_foreground()
    {
        string uid = await Make("owner", "");
        await Make("dependent", Reference("owner", uid, """, "blockOwnerDeletion": true""") + """, "finalizers": ["a.example/x"]""");
        await Api.Delete(Widgets + "/owner", """{"propagationPolicy": "Foreground"}""");
        Assert.Equal("foregroundDeletion", (string?)Server.Get("widgets", "owner")!["metadata"]!["finalizers"]![0]);
        await Api.Patch(Widgets + "/dependent", "merge", """{"metadata": {"finalizers": null}}""");
        Assert.Empty(Server.All("widgets"));
    }

    [Fact]
    public async Task Two_owners_keep_a_dependent_until_both_are_gone()
    {
        string first = await Make("first", "");
        string second = await Make("second", "");
        await Make("dependent", Reference("first", first, "").TrimEnd(']') + ", " + Reference("second", second, "").Split('[')[1]);
        await Api.Delete(Widgets + "/first");
        Assert.NotNull(Server.Get("widgets", "dependent"));
        await Api.Delete(Widgets + "/second");
        Assert.Null(Server.Get("widgets", "dependent"));
    }

    [Fact]
    public async Task An_owner_made_anew_is_another_one()
    {
        string uid = await Make("owner", "");
        await Api.Delete(Widgets + "/owner");
        await Make("owner", "");
        await Make("dependent", Reference("owner", uid, ""));
        Assert.Null(Server.Get("widgets", "dependent"));
    }

    [Fact]
    public async Task A_namespace_goes_with_its_content()
    {
        await Api.Post("/api/v1/namespaces", """{"metadata": {"name": "shop"}}""");
        await Api.Post("/api/v1/namespaces/shop/configmaps", """{"metadata": {"name": "a"}}""");
        await Api.Post("/api/v1/namespaces/shop/configmaps", """{"metadata": {"name": "b", "finalizers": ["a.example/x"]}}""");
        Answer deleted = await Api.Delete("/api/v1/namespaces/shop");
        Assert.Equal("\"Terminating\"", deleted.Part("status/phase"));
        Assert.Equal(403, (await Api.Post("/api/v1/namespaces/shop/configmaps", """{"metadata": {"name": "c"}}""")).Code);
        Assert.Equal("b", (string?)Assert.Single(Server.All("configmaps", "shop"))["metadata"]!["name"]);
        await Api.Patch("/api/v1/namespaces/shop/configmaps/b", "merge", """{"metadata": {"finalizers": null}}""");
        Assert.Null(Server.Get("namespaces", "shop"));
    }

    private async Task<string> Make(string name, string metadata)
    {
        Answer made = await Api.Post(Widgets, $$$"""
            {"apiVersion": "test.example/v1", "kind": "Widget", "metadata": {"name": "{{{name}}}"{{{metadata}}}}, "spec": {}}
            """);
        return (string)made.Object["metadata"]!["uid"]!;
    }

    private static string Reference(string name, string uid, string more) =>
        $$""", "ownerReferences": [{"apiVersion": "test.example/v1", "kind": "Widget", "name": "{{name}}", "uid": "{{uid}}"{{more}}}]""";
}
