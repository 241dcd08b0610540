using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

[Collection("server")]
public class WriteTests(ServerFixture server)
{
    private const string Leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    private Api Api => server.Api;

    [Fact]
    public async Task A_new_object_gets_what_only_the_server_knows()
    {
        string name = NewName();
        Answer made = await Api.Post(Widgets, Widget(name, "{\"size\": 1}", """, "status": {"phase": "Done"}"""));
        Assert.Equal(201, made.Code);
        Assert.Equal("1", made.Part("metadata/generation"));
        Assert.Equal("\"default\"", made.Part("metadata/namespace"));
        Assert.True(Guid.TryParse((string?)made.Body!["metadata"]!["uid"], out _));
        Assert.Matches("^[0-9]+$", made.Revision);
        Assert.Matches("^\"[0-9-]{10}T[0-9:]{8}Z\"$", made.Part("metadata/creationTimestamp"));
        Assert.Equal("null", made.Part("status"));

        Answer again = await Api.Post(Widgets, Widget(name));
        Assert.Equal((409, "AlreadyExists"), (again.Code, again.Reason));
        Assert.Equal($"widgets.test.example \"{name}\" already exists", again.Message);
        Assert.Equal($$"""{"name":"{{name}}","group":"test.example","kind":"widgets"}""", again.Part("details"));
    }

    [Fact]
    public async Task GenerateName_adds_five_letters()
    {
        Answer made = await Api.Post(ConfigMaps, """{"metadata": {"generateName": "made-"}}""");
        Assert.Matches("^made-[a-z0-9]{5}$", (string?)made.Object["metadata"]!["name"]);
    }

    [Theory]
    [InlineData("""{"metadata": {"name": "UPPER"}}""", 422, "metadata.name")]
    [InlineData("""{"metadata": {}}""", 422, "metadata.name")]
    [InlineData("""{"metadata": {"name": "a", "labels": {"a": "-"}}}""", 422, "metadata.labels")]
    [InlineData("""{"metadata": {"name": "a", "labels": {"a b": "c"}}}""", 422, "metadata.labels")]
    [InlineData("""{"metadata": {"name": "a", "annotations": {"/": "c"}}}""", 422, "metadata.annotations")]
    [InlineData("""{"metadata": {"name": "a", "labels": {"a": true}}}""", 400, null)]
    [InlineData("""{"metadata": {"name": "a", "namespace": "other"}}""", 400, null)]
    [InlineData("""{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}""", 400, null)]
    [InlineData("""{"metadata": {""", 400, null)]
    public async Task What_cannot_be_stored_is_refused(string body, int code, string? field)
    {
        Answer answer = await Api.Post(ConfigMaps, body);
        Assert.Equal((code, code == 422 ? "Invalid" : "BadRequest"), (answer.Code, answer.Reason));
        Assert.Equal(field, (string?)answer.Body!["details"]?["causes"]?[0]?["field"]);
    }

    [Fact]
    public async Task A_namespace_must_be_there()
    {
        Answer answer = await Api.Post("/api/v1/namespaces/nowhere/configmaps", """{"metadata": {"name": "a"}}""");
        Assert.Equal((404, "NotFound", "namespaces \"nowhere\" not found"), (answer.Code, answer.Reason, answer.Message));
    }

    [Fact]
    public async Task An_old_resourceVersion_is_a_conflict()
    {
        (string path, JsonObject made) = await server.NewWidget();
        Assert.Equal(200, (await Api.Put(path, Changed(made, 2))).Code);
        Answer late = await Api.Put(path, Changed(made, 3));
        Assert.Equal((409, "Conflict"), (late.Code, late.Reason));
        Assert.StartsWith("Operation cannot be fulfilled on widgets.test.example \"", late.Message, StringComparison.Ordinal);
        Assert.Equal("2", (await Api.Get(path)).Part("spec/size"));
    }

    [Fact]
    public async Task Without_a_resourceVersion_a_custom_object_is_not_updated_and_a_ConfigMap_is()
    {
        (string path, JsonObject made) = await server.NewWidget();
        Answer refused = await Api.Put(path, Widget((string)made["metadata"]!["name"]!, "{\"size\": 2}"));
        Assert.Equal((422, "Invalid"), (refused.Code, refused.Reason));

        string name = NewName();
        await Api.Post(ConfigMaps, $$"""{"metadata": {"name": "{{name}}"} }""");
        Answer updated = await Api.Put($"{ConfigMaps}/{name}", $$"""{"metadata": {"name": "{{name}}"}, "data": {"a": "b"} }""");
        Assert.Equal((200, "\"b\""), (updated.Code, updated.Part("data/a")));
    }

    [Fact]
    public async Task Another_uid_is_a_conflict_and_another_name_a_mistake()
    {
        (string path, JsonObject made) = await server.NewWidget();
        JsonObject other = (JsonObject)made.DeepClone();
        other["metadata"]!["uid"] = Guid.NewGuid().ToString();
        Assert.Equal(409, (await Api.Put(path, other.ToJsonString())).Code);
        other = (JsonObject)made.DeepClone();
        other["metadata"]!["name"] = "other";
        Assert.Equal(400, (await Api.Put(path, other.ToJsonString())).Code);
    }

    [Fact]
    public async Task PUT_makes_a_Lease_but_no_custom_object()
    {
        string name = NewName();
        Assert.Equal(404, (await Api.Put($"{Widgets}/{name}", Widget(name))).Code);
        string lease = $$"""{"metadata": {"name": "{{name}}"}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 8} }""";
        Assert.Equal(201, (await Api.Put($"{Leases}/{name}", lease)).Code);
    }

    [Fact]
    public async Task A_write_that_changes_nothing_leaves_the_resourceVersion()
    {
        (string path, JsonObject made) = await server.NewWidget("{\"size\": 1}");
        string revision = (string)made["metadata"]!["resourceVersion"]!;
        Assert.Equal(revision, (await Api.Put(path, made.ToJsonString())).Revision);
        Assert.Equal(revision, (await Api.Patch(path, "merge", """{"spec": {"size": 1}}""")).Revision);
        Assert.Equal(revision, (await Api.Patch($"{path}/status", "merge", """{"spec": {"size": 2}}""")).Revision);
        Assert.NotEqual(revision, (await Api.Patch(path, "merge", """{"spec": {"size": 2}}""")).Revision);
    }

    [Fact]
    public async Task With_the_subresource_spec_and_status_are_written_apart()
    {
        (string path, _) = await server.NewWidget("{\"size\": 1}");
        const string both = """{"metadata": {"labels": {"a": "b"}}, "spec": {"size": 2}, "status": {"phase": "Done"}}""";
        Answer whole = await Api.Patch(path, "merge", both);
        Assert.Equal(("2", "null", "2"), (whole.Part("spec/size"), whole.Part("status"), whole.Part("metadata/generation")));
        await Api.Patch(path, "merge", """{"metadata": {"labels": null}, "spec": {"size": 1}}""");
        Answer status = await Api.Patch($"{path}/status", "merge", both);
        Assert.Equal(("1", "\"Done\""), (status.Part("spec/size"), status.Part("status/phase")));
        Assert.Equal(("3", "null"), (status.Part("metadata/generation"), status.Part("metadata/labels")));
        JsonObject next = (JsonObject)status.Object.DeepClone();
        next["status"]!["phase"] = "Gone";
        next["spec"]!["size"] = 5;
        Answer put = await Api.Put($"{path}/status", next.ToJsonString());
        Assert.Equal(("1", "\"Gone\""), (put.Part("spec/size"), put.Part("status/phase")));
    }

    [Fact]
    public async Task Without_the_subresource_status_is_a_field_like_others()
    {
        string name = NewName();
        Answer made = await Api.Post(Gadgets, Gadget(name, "{}", """, "status": {"phase": "New"}"""));
        Assert.Equal("\"New\"", made.Part("status/phase"));
        Answer patched = await Api.Patch($"{Gadgets}/{name}", "merge", """{"status": {"phase": "Done"}}""");
        Assert.Equal(("\"Done\"", "2"), (patched.Part("status/phase"), patched.Part("metadata/generation")));
        Assert.Equal("2", (await Api.Patch($"{Gadgets}/{name}", "merge", """{"metadata": {"labels": {"a": "b"}}}""")).Part("metadata/generation"));
        Assert.Equal(404, (await Api.Patch($"{Gadgets}/{name}/status", "merge", "{}")).Code);
    }

    [Theory]
    [InlineData("renewTime", "2026-01-31T12:00:00.000000Z", 201)]
    [InlineData("renewTime", "2026-01-31T12:00:00.123456+01:00", 201)]
    [InlineData("renewTime", "2026-01-31T12:00:00Z", 400)]
    [InlineData("acquireTime", "2026-01-31T12:00:00.123Z", 400)]
    public async Task Times_of_a_Lease_have_six_digits_after_the_second(string field, string time, int code)
    {
        Answer answer = await Api.Post(
            Leases, $$$"""{"metadata": {"name": "{{{NewName()}}}"}, "spec": {"{{{field}}}": "{{{time}}}"}}""");
        Assert.Equal(code, answer.Code);
    }

    [Fact]
    public async Task A_dry_run_changes_nothing()
    {
        string name = NewName();
        Assert.Equal(201, (await Api.Post(Widgets + "?dryRun=All", Widget(name))).Code);
        Assert.Equal(404, (await Api.Get($"{Widgets}/{name}")).Code);
        (string path, JsonObject made) = await server.NewWidget();
        Assert.Equal("7", (await Api.Patch(path + "?dryRun=All", "merge", """{"spec": {"size": 7}}""")).Part("spec/size"));
        Assert.Equal((string?)made["metadata"]!["resourceVersion"], (await Api.Get(path)).Revision);
    }

    private static string Changed(JsonObject made, int size)
    {
        JsonObject next = (JsonObject)made.DeepClone();
        next["spec"]!["size"] = size;
        return next.ToJsonString();
    }
}
