using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

/// <summary>Server-side apply, each step of a case by its manager: <c>a: {...}</c> applies a spec, <c>+a</c> forces.</summary>
[Collection("server")]
public class ApplyTests(ServerFixture server)
{
    private Api Api => server.Api;

    [Theory]
    [InlineData("a new object is made", """{"size":1,"mode":"A"}""", """a {"size": 1}""")]
    [InlineData("fields of several managers", """{"size":1,"name":"x","mode":"A"}""", """a {"size": 1}""", """b {"name": "x"}""")]
    [InlineData("a field that is no longer applied goes", """{"size":1,"mode":"A"}""", """a {"size": 1, "name": "x"}""", """a {"size": 1}""")]
    [InlineData("a field that another applies too stays", """{"size":1,"name":"x","mode":"A"}""",
        """a {"size": 1, "name": "x"}""", """b {"name": "x"}""", """a {"size": 1}""")]
    [InlineData("a forced field changes its owner", """{"size":2,"mode":"A"}""", """a {"size": 1}""", """+b {"size": 2}""", "a {}")]
    [InlineData("a forced field goes with its new owner", """{"mode":"A"}""", """a {"size": 1}""", """+b {"size": 2}""", "b {}")]
    [InlineData("an atomic list is one field", """{"list":["y"],"mode":"A"}""", """a {"list": ["x"]}""", """+b {"list": ["y"]}""")]
    [InlineData("an atomic object is one field", """{"whole":{"b":"2"},"mode":"A"}""", """a {"whole": {"a": "1"}}""", """+b {"whole": {"b": "2"}}""")]
    [InlineData("an object is merged by its members", """{"labels":{"a":"1","b":"2"},"mode":"A"}""",
        """a {"labels": {"a": "1"}}""", """b {"labels": {"b": "2"}}""")]
    [InlineData("a member goes with its manager", """{"labels":{"b":"2"},"mode":"A"}""",
        """a {"labels": {"a": "1"}}""", """b {"labels": {"b": "2"}}""", "a {}")]
    [InlineData("a set is merged by its values", """{"set":["x","y"],"mode":"A"}""", """a {"set": ["x"]}""", """b {"set": ["y"]}""")]
    [InlineData("a value goes with its manager", """{"set":["y"],"mode":"A"}""",
        """a {"set": ["x", "y"]}""", """b {"set": ["y"]}""", """a {"set": []}""")]
    [InlineData("a keyed list is merged by its items", """{"ports":[{"port":1,"name":"x"},{"port":2,"name":"y"}],"mode":"A"}""",
        """a {"ports": [{"port": 1, "name": "x"}]}""", """b {"ports": [{"port": 2, "name": "y"}]}""")]
    [InlineData("an item has fields of several managers", """{"ports":[{"port":1,"name":"x","note":"y"}],"mode":"A"}""",
        """a {"ports": [{"port": 1, "name": "x"}]}""", """b {"ports": [{"port": 1, "note": "y"}]}""")]
    [InlineData("an item stays with its other manager", """{"ports":[{"port":1,"note":"y"}],"mode":"A"}""",
        """a {"ports": [{"port": 1, "name": "x"}, {"port": 2}]}""", """b {"ports": [{"port": 1, "note": "y"}]}""", "a {}")]
    [InlineData("an item goes with its manager", """{"ports":[{"port":2}],"mode":"A"}""",
        """a {"ports": [{"port": 1, "name": "x"}, {"port": 2}]}""", """a {"ports": [{"port": 2}]}""")]
    public async Task Fields_are_merged(string what, string expected, params string[] steps)
    {
        string name = NewName();
        foreach (string step in steps)
        {
            Answer answer = await Step(name, step);
            Assert.True(answer.Code is 200 or 201, $"{what}: {step}: {answer}");
        }

        JsonNode? spec = (await Api.Get($"{Widgets}/{name}")).Object["spec"];
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), spec), $"{what}: {spec?.ToJsonString()}");
    }

    [Theory]
    [InlineData(".spec.size", """a {"size": 1}""", """b {"size": 2}""")]
    [InlineData(".spec.list", """a {"list": ["x"]}""", """b {"list": ["y"]}""")]
    [InlineData(".spec.labels.a", """a {"labels": {"a": "1"}}""", """b {"labels": {"a": "2"}}""")]
    [InlineData(".spec.ports[port=1].name", """a {"ports": [{"port": 1, "name": "x"}]}""", """b {"ports": [{"port": 1, "name": "y"}]}""")]
    public async Task A_field_of_another_manager_is_a_conflict(string field, string first, string second)
    {
        string name = NewName();
        await Step(name, first);
        Answer answer = await Step(name, second);
        Assert.Equal((409, "Conflict"), (answer.Code, answer.Reason));
        JsonNode cause = Assert.Single(answer.Body!["details"]!["causes"]!.AsArray())!;
        Assert.Equal(("FieldManagerConflict", field), ((string?)cause["reason"], (string?)cause["field"]));
        Assert.Equal("conflict with \"a\"", (string?)cause["message"]);
        Assert.Equal(200, (await Step(name, "+" + second)).Code);
    }

    [Fact]
    public async Task What_was_written_otherwise_has_owners_too()
    {
        (string path, _) = await server.NewWidget("{\"size\": 1}");
        string name = path.Split('/')[^1];
        Answer conflict = await Step(name, """a {"size": 2}""");
        Assert.Equal("conflict with \"tests\" using test.example/v1", (string?)conflict.Body!["details"]!["causes"]![0]!["message"]);
        Assert.Equal(200, (await Step(name, """a {"size": 1}""")).Code);
        // The applier takes the field by a patch of its own, and no longer shares it.
        await Api.Patch(path + "?fieldManager=other", "merge", """{"spec": {"size": 3}}""");
        Assert.Equal("3", (await Step(name, "a {}")).Part("spec/size"));
    }

    [Fact]
    public async Task Applying_the_same_again_changes_nothing()
    {
        string name = NewName();
        string revision = (await Step(name, """a {"size": 1}""")).Revision;
        // The time of a manager has seconds.
        await Task.Delay(TimeSpan.FromSeconds(1.1));
        Assert.Equal(revision, (await Step(name, """a {"size": 1}""")).Revision);
        Assert.NotEqual(revision, (await Step(name, """b {"size": 1}""")).Revision);
    }

    [Fact]
    public async Task An_item_that_another_has_changed_goes_without_a_conflict()
    {
        string name = NewName();
        await Step(name, """a {"ports": [{"port": 1}, {"port": 2}]}""");
        await Api.Patch($"{Widgets}/{name}", "merge", """{"spec": {"ports": [{"port": 1, "name": "x"}, {"port": 2}]}}""");
        Answer answer = await Step(name, """a {"ports": [{"port": 2}]}""");
        Assert.Equal((200, """[{"port":2}]"""), (answer.Code, answer.Part("spec/ports")));
    }

    /// <summary>Whose labels others have all taken owns the object of labels, and with that all labels again at the next write.</summary>
    [Fact]
    public async Task Who_owns_an_object_but_none_of_its_parts_owns_all_of_them()
    {
        (string path, _) = await server.NewWidget("""{"labels": {"a": "1"}}""");
        await Api.Patch(path + "?fieldManager=other", "merge", """{"spec": {"labels": {"a": "2", "b": "2"}}}""");
        Answer answer = await Api.Patch(path + "?fieldManager=other", "merge", """{"spec": {"size": 1}}""");
        JsonNode creator = answer.Object["metadata"]!["managedFields"]!.AsArray().Single(entry => (string?)entry!["manager"] == "tests")!;
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse("""{"f:spec": {".": {}, "f:mode": {}, "f:labels": {".": {}, "f:a": {}, "f:b": {}}}}"""), creator["fieldsV1"]),
            creator.ToJsonString());
    }

    [Fact]
    public async Task The_manager_and_its_fields_are_listed()
    {
        Answer answer = await Step(NewName(), """a {"size": 1, "ports": [{"port": 1}], "set": ["x"], "labels": {"k": "v"}}""");
        JsonNode entry = Assert.Single(answer.Object["metadata"]!["managedFields"]!.AsArray())!;
        Assert.Equal(
            ("a", "Apply", "test.example/v1", "FieldsV1"),
            ((string?)entry["manager"], (string?)entry["operation"], (string?)entry["apiVersion"], (string?)entry["fieldsType"]));
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse("""
                    {"f:spec": {"f:size": {}, "f:set": {"v:\"x\"": {}}, "f:ports": {"k:{\"port\":1}": {".": {}, "f:port": {}}},
                     "f:labels": {"f:k": {}}}}
                    """),
                entry["fieldsV1"]),
            entry.ToJsonString());
    }

    [Fact]
    public async Task Status_is_applied_by_its_subresource()
    {
        (string path, _) = await server.NewWidget("{\"size\": 1}");
        string name = path.Split('/')[^1];
        string status = Widget(name, "{\"size\": 2}", """, "status": {"conditions": [{"type": "Ready", "status": "True"}]}""");
        Answer answer = await Api.Apply($"{path}/status", "s", status, isForced: true);
        Assert.Equal(("1", "\"True\""), (answer.Part("spec/size"), answer.Object["status"]!["conditions"]![0]!["status"]!.ToJsonString()));
        Answer other = await Api.Apply(
            $"{path}/status", "r", Widget(name, "{}", """, "status": {"conditions": [{"type": "Other", "status": "False"}]}"""));
        Assert.Equal(["Ready", "Other"], other.Object["status"]!["conditions"]!.AsArray().Select(one => (string?)one!["type"]));
        string none = NewName();
        Assert.Equal(404, (await Api.Apply($"{Widgets}/{none}/status", "s", Widget(none))).Code);
    }

    [Fact]
    public async Task Preconditions_in_the_body_are_checked()
    {
        string name = NewName();
        JsonObject made = (await Step(name, """a {"size": 1}""")).Object;
        string revision = (string)made["metadata"]!["resourceVersion"]!;
        Assert.Equal(200, (await Api.Apply($"{Widgets}/{name}", "a", With("resourceVersion", revision, 2))).Code);
        Assert.Equal(409, (await Api.Apply($"{Widgets}/{name}", "a", With("resourceVersion", revision, 3))).Code);
        Assert.Equal(200, (await Api.Apply($"{Widgets}/{name}", "a", With("uid", (string)made["metadata"]!["uid"]!, 4))).Code);
        Assert.Equal(422, (await Api.Apply($"{Widgets}/{name}", "a", With("uid", Guid.NewGuid().ToString(), 5))).Code);
        Assert.Equal("4", (await Api.Get($"{Widgets}/{name}")).Part("spec/size"));

        string With(string key, string value, int size) => $$$"""
            {"apiVersion": "test.example/v1", "kind": "Widget", "metadata": {"name": "{{{name}}}", "{{{key}}}": "{{{value}}}"},
             "spec": {"size": {{{size}}}}}
            """;
    }

    [Fact]
    public async Task An_apply_needs_a_manager_and_no_managedFields()
    {
        string name = NewName();
        Assert.Equal(422, (await Api.Apply($"{Widgets}/{name}", "", Widget(name))).Code);
        string managed = Widget(name).Replace(
            $"\"{name}\"", $$"""
            "{{name}}", "managedFields": [{"manager": "a", "operation": "Apply", "apiVersion": "test.example/v1", "fieldsType": "FieldsV1", "fieldsV1": {} }]
            """, StringComparison.Ordinal);
        Assert.Equal(400, (await Api.Apply($"{Widgets}/{name}", "a", managed)).Code);
    }

    [Fact]
    public async Task YAML_is_applied()
    {
        string name = NewName();
        Answer answer = await Api.Apply(
            $"{Widgets}/{name}", "a", $"apiVersion: test.example/v1\nkind: Widget\nmetadata: {{name: {name}}}\nspec:\n  size: 3\n  name: \"ab\"\n");
        Assert.Equal(("3", "\"ab\""), (answer.Part("spec/size"), answer.Part("spec/name")));
    }

    private Task<Answer> Step(string name, string step)
    {
        bool isForced = step[0] == '+';
        string[] parts = step.TrimStart('+').Split(' ', 2);
        return Api.Apply($"{Widgets}/{name}", parts[0], Widget(name, parts[1]), isForced);
    }
}
