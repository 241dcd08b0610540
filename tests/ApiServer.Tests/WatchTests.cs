using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

[Collection("server")]
public class WatchTests(ServerFixture server)
{
    private Api Api => server.Api;

    [Fact]
    public async Task A_watch_from_a_version_shows_all_that_came_later()
    {
        (string list, string one) = await NewConfigMaps();
        string from = (await Api.Get(list)).Revision;
        await Api.Patch(one, "merge", """{"data": {"a": "b"}}""");
        using Lines watch = await Api.Watch($"{list}?watch=true&resourceVersion={from}");
        Assert.Equal(200, watch.Code);
        JsonObject changed = await watch.Next();
        Assert.Equal(("MODIFIED", "ConfigMap"), ((string?)changed["type"], (string?)changed["object"]!["kind"]));
        Assert.Equal((await Api.Get(one)).Object.ToJsonString(), changed["object"]!.ToJsonString());
        await Api.Post(list, """{"metadata": {"name": "second"}}""");
        await Api.Delete(one);
        Assert.Equal(["ADDED second", "DELETED first"], await watch.Next(2));
    }

    /// <summary>What is deleted has the version of the deletion: a watch from there does not see it again.</summary>
    [Fact]
    public async Task A_deletion_has_a_version_of_its_own()
    {
        (string list, string one) = await NewConfigMaps();
        Answer before = await Api.Get(one);
        await Api.Delete(one);
        using Lines watch = await Api.Watch($"{list}?watch=true&resourceVersion={before.Revision}");
        JsonObject deleted = await watch.Next();
        Assert.Equal("DELETED", (string?)deleted["type"]);
        Assert.Equal((string?)before.Object["metadata"]!["uid"], (string?)deleted["object"]!["metadata"]!["uid"]);
        Assert.True(
            long.Parse((string)deleted["object"]!["metadata"]!["resourceVersion"]!, null) > long.Parse(before.Revision, null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("&resourceVersion=0")]
    public async Task A_watch_from_no_version_begins_with_what_is_there(string from)
    {
        (string list, _) = await NewConfigMaps();
        await Api.Post(list, """{"metadata": {"name": "second"}}""");
        using Lines watch = await Api.Watch($"{list}?watch=1{from}");
        Assert.Equal(["ADDED first", "ADDED second"], (await watch.Next(2)).Order());
        await Api.Delete($"{list}/second");
        Assert.Equal(["DELETED second"], await watch.Next(1));
    }

    [Theory]
    [InlineData("labelSelector=a%3Db")]
    [InlineData("labelSelector=a")]
    [InlineData("labelSelector=a%20in%20(b)")]
    public async Task What_enters_or_leaves_the_selection_is_added_or_deleted(string selector)
    {
        (string list, string one) = await NewConfigMaps();
        string from = (await Api.Get(list)).Revision;
        using Lines watch = await Api.Watch($"{list}?watch=true&resourceVersion={from}&{selector}");
        await Api.Patch(one, "merge", """{"data": {"x": "0"}}""");
        await Api.Patch(one, "merge", """{"metadata": {"labels": {"a": "b"}}}""");
        await Api.Patch(one, "merge", """{"data": {"x": "1"}}""");
        Answer left = await Api.Patch(one, "merge", """{"metadata": {"labels": null}}""");
        Assert.Equal(["ADDED first", "MODIFIED first"], await watch.Next(2));
        JsonObject last = await watch.Next();
        Assert.Equal(("DELETED", left.Revision), ((string?)last["type"], (string?)last["object"]!["metadata"]!["resourceVersion"]));
        Assert.Equal("b", (string?)last["object"]!["metadata"]!["labels"]?["a"]);
    }

    [Fact]
    public async Task A_watch_of_one_object_shows_no_other()
    {
        (string list, string one) = await NewConfigMaps();
        using Lines watch = await Api.Watch($"{list}?watch=true&fieldSelector=metadata.name%3Dfirst");
        await Api.Post(list, """{"metadata": {"name": "second"}}""");
        await Api.Delete(one);
        Assert.Equal(["ADDED first", "DELETED first"], await watch.Next(2));
    }

    [Fact]
    public async Task A_watch_ends_when_it_shall()
    {
        (string list, _) = await NewConfigMaps();
        using Lines watch = await Api.Watch($"{list}?watch=true&timeoutSeconds=1");
        await watch.Next();
        Assert.Null(await watch.Raw());
    }

    [Fact]
    public async Task A_kind_that_goes_takes_its_objects()
    {
        string plural = "k" + NewName().Replace("-", "", StringComparison.Ordinal);
        const string definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        Answer made = await Api.Post(definitions, $$$"""
            {"metadata": {"name": "{{{plural}}}.test.example"}, "spec": {"group": "test.example", "scope": "Cluster",
             "names": {"plural": "{{{plural}}}", "kind": "K{{{plural}}}"},
             "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"} } }]} }
            """);
        Assert.Equal(201, made.Code);
        DateTime end = DateTime.UtcNow.AddSeconds(10);
        Answer one;
        while ((one = await Api.Post(
            $"/apis/test.example/v1/{plural}",
            $$"""{"apiVersion": "test.example/v1", "kind": "K{{plural}}", "metadata": {"name": "a"} }""")).Code != 201)
        {
            Assert.True(DateTime.UtcNow < end, one.ToString());
            await Task.Delay(50);
        }

        Answer definition = await Api.Get($"{definitions}/{plural}.test.example");
        Assert.Equal(
            ["Established=True", "NamesAccepted=True"],
            definition.Object["status"]!["conditions"]!.AsArray().Select(each => $"{each!["type"]}={each["status"]}").Order());
        using Lines watch = await Api.Watch($"/apis/test.example/v1/{plural}?watch=true&resourceVersion={one.Revision}");
        await Api.Delete($"{definitions}/{plural}.test.example");
        Assert.Equal(["DELETED a"], await watch.Next(1));
        while ((one = await Api.Get($"/apis/test.example/v1/{plural}")).Code != 404)
        {
            Assert.True(DateTime.UtcNow < end, one.ToString());
            await Task.Delay(50);
        }
    }

    /// <summary>The path of ConfigMaps in a new namespace, and that of the first.</summary>
    private async Task<(string List, string One)> NewConfigMaps()
    {
        string name = NewName();
        await Api.Post("/api/v1/namespaces", $$"""{"metadata": {"name": "{{name}}"} }""");
        string list = $"/api/v1/namespaces/{name}/configmaps";
        Assert.Equal(201, (await Api.Post(list, """{"metadata": {"name": "first"}}""")).Code);
        return (list, list + "/first");
    }
}
