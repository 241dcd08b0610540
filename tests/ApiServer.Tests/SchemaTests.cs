using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

[Collection("server")]
public class SchemaTests(ServerFixture server)
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    private const string Events = "/api/v1/namespaces/default/events";

    private const string NewEvents = "/apis/events.k8s.io/v1/namespaces/default/events";

    private Api Api => server.Api;

    [Theory]
    [InlineData("""{"size": "1"}""", "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"")]
    [InlineData("""{"size": 1.5}""", "spec.size: Invalid value: \"number\": spec.size in body must be of type integer: \"number\"")]
    [InlineData("""{"size": -1}""", "spec.size: Invalid value: -1: spec.size in body should be greater than or equal to 0")]
    [InlineData("""{"size": 11}""", "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10")]
    [InlineData("""{"mode": "C"}""", "spec.mode: Unsupported value: \"C\": supported values: \"A\", \"B\"")]
    [InlineData("""{"name": "A"}""", "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]+$'")]
    [InlineData("""{"name": "abcdef"}""", null)]
    [InlineData("""{"list": ["a", "b", "c", "d"]}""", null)]
    [InlineData("""{"list": [1]}""", null)]
    [InlineData("""{"list": "a"}""", "spec.list: Invalid value: \"string\": spec.list in body must be of type array: \"string\"")]
    [InlineData("""{"set": ["a", "a"]}""", "spec.set[1]: Duplicate value: \"a\"")]
    [InlineData("""{"ports": [{"port": 1}, {"port": 1}]}""", "spec.ports[1]: Duplicate value: map[string]interface {}{\"port\":1}")]
    [InlineData("""{"ports": [{"name": "a"}]}""", null)]
    [InlineData("""{"labels": {"a": 1}}""", "spec.labels.a: Invalid value: \"integer\": spec.labels.a in body must be of type string: \"integer\"")]
    [InlineData("""{"one": {"a": "x", "b": "y"}}""",
        "<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found 2 valid alternatives")]
    [InlineData("""{"one": {}}""",
        "<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found none valid")]
    [InlineData("""{"set": [null]}""", null)]
    public async Task What_the_schema_forbids_is_refused(string spec, string? message)
    {
        Answer answer = await Api.Post(Widgets, Widget(NewName(), spec));
        Assert.Equal((422, "Invalid"), (answer.Code, answer.Reason));
        JsonNode cause = answer.Body!["details"]!["causes"]![0]!;
        if (message is null)
        {
            Assert.StartsWith("spec.", (string?)cause["field"], StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(message, $"{cause["field"]}: {cause["message"]}");
        }
    }

    [Fact]
    public async Task All_faults_are_reported_together()
    {
        string name = NewName();
        Answer answer = await Api.Post(Widgets, Widget(name, """{"size": 11, "mode": "C"}"""));
        Assert.Equal(2, answer.Body!["details"]!["causes"]!.AsArray().Count);
        Assert.StartsWith($"Widget.test.example \"{name}\" is invalid: [", answer.Message, StringComparison.Ordinal);
        Answer required = await Api.Post(Widgets, $$"""{"apiVersion": "test.example/v1", "kind": "Widget", "metadata": {"name": "{{name}}"} }""");
        JsonNode cause = required.Body!["details"]!["causes"]![0]!;
        Assert.Equal(("FieldValueRequired", "spec"), ((string?)cause["reason"], (string?)cause["field"]));
    }

    [Fact]
    public async Task Unknown_fields_go_and_defaults_come()
    {
        (_, JsonObject made) = await server.NewWidget(
            """{"unknown": 1, "any": {"unknown": {"deep": 1}}, "ports": [{"port": 1, "unknown": 2}], "labels": {"free": "x", "no": null}, "nothing": null, "size": null, "list": null}""");
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse(
                    """{"any": {"unknown": {"deep": 1}}, "ports": [{"port": 1}], "labels": {"free": "x"}, "nothing": null, "mode": "A"}"""),
                made["spec"]),
            made.ToJsonString());
    }

    [Fact]
    public async Task A_default_comes_back()
    {
        (string path, _) = await server.NewWidget("""{"mode": "B"}""");
        Assert.Equal("\"A\"", (await Api.Patch(path, "merge", """{"spec": {"mode": null}}""")).Part("spec/mode"));
    }

    [Theory]
    [InlineData("\"name\": \"as.test.example\"", "\"name\": \"a\"", "metadata.name")]
    [InlineData("\"scope\": \"Cluster\"", "\"scope\": \"All\"", "spec.scope")]
    [InlineData("\"storage\": true", "\"storage\": false", "spec.versions")]
    [InlineData("\"schema\"", "\"other\"", "spec.versions[0].schema.openAPIV3Schema")]
    public async Task A_definition_is_checked(string part, string instead, string field)
    {
        const string definition = """
            {"metadata": {"name": "as.test.example"}, "spec": {"group": "test.example", "scope": "Cluster", "names": {"plural": "as", "kind": "A"},
             "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
            """;
        Answer answer = await Api.Post(Definitions, definition.Replace(part, instead, StringComparison.Ordinal));
        Assert.Equal(422, answer.Code);
        Assert.Contains(field, answer.Body!["details"]!["causes"]!.AsArray().Select(cause => (string?)cause!["field"]));
    }

    [Fact]
    public async Task An_event_has_two_versions()
    {
        string name = NewName();
        Answer made = await Api.Post(NewEvents, NewEvent(name));
        Assert.Equal(("\"hello\"", "\"Widget\""), (made.Part("note"), made.Part("regarding/kind")));
        Answer core = await Api.Get($"{Events}/{name}");
        Assert.Equal(("\"hello\"", "\"Widget\"", "\"Event\""), (core.Part("message"), core.Part("involvedObject/kind"), core.Part("kind")));
        Assert.Equal("\"test.example/x\"", core.Part("reportingComponent"));
        Assert.Equal([name], (await Api.Get($"{Events}?fieldSelector=involvedObject.name%3D{name},reason%3DTested")).Names);
        Assert.Equal([name], (await Api.Get($"{NewEvents}?fieldSelector=regarding.name%3D{name}")).Names);
        Answer series = await Api.Patch(
            $"{NewEvents}/{name}", "merge", """{"series": {"count": 2, "lastObservedTime": "2026-01-31T12:00:00.000000Z"}}""");
        Assert.Equal("2", series.Part("series/count"));
    }

    [Theory]
    [InlineData("\"eventTime\": \"2026-01-31T12:00:00.000000Z\"", "\"other\": 1", 422)]
    [InlineData("12:00:00.000000Z", "12:00:00Z", 400)]
    [InlineData("\"reportingController\": \"test.example/x\"", "\"other\": 1", 422)]
    [InlineData("\"reportingInstance\": \"x\"", "\"other\": 1", 422)]
    [InlineData("\"action\": \"Test\"", "\"other\": 1", 422)]
    [InlineData("\"reason\": \"Tested\"", "\"other\": 1", 422)]
    [InlineData("\"type\": \"Normal\"", "\"type\": \"Bad\"", 422)]
    [InlineData("\"namespace\": \"default\", \"uid\"", "\"uid\"", 422)]
    [InlineData("\"type\": \"Normal\"", "\"type\": \"Normal\", \"series\": {\"count\": 1}", 422)]
    [InlineData("\"reportingController\": \"test.example/x\"", "\"reportingController\": \"a b\"", 422)]
    [InlineData("\"type\": \"Normal\"", "\"type\": \"Normal\", \"deprecatedCount\": 1", 422)]
    public async Task An_event_is_checked(string part, string instead, int code)
    {
        string valid = NewEvent(NewName());
        Assert.Contains(part, valid, StringComparison.Ordinal);
        Assert.Equal(code, (await Api.Post(NewEvents, valid.Replace(part, instead, StringComparison.Ordinal))).Code);
    }

    [Theory]
    [InlineData("default", "", 201)]
    [InlineData("default", ", \"namespace\": \"default\"", 201)]
    [InlineData("default", ", \"namespace\": \"other\"", 422)]
    [InlineData("kube-system", "", 422)]
    public async Task An_old_event_is_where_its_object_is(string space, string about, int code)
    {
        Answer answer = await Api.Post($"/api/v1/namespaces/{space}/events", $$"""
            {"metadata": {"name": "{{NewName()}}"}, "involvedObject": {"kind": "A", "name": "x"{{about}}}, "reason": "r", "type": "any"}
            """);
        Assert.Equal(code, answer.Code);
    }

    private static string NewEvent(string name) => $$"""
        {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "{{name}}"}, "eventTime": "2026-01-31T12:00:00.000000Z",
         "reportingController": "test.example/x", "reportingInstance": "x", "action": "Test", "reason": "Tested", "type": "Normal", "note": "hello",
         "regarding": {"apiVersion": "test.example/v1", "kind": "Widget", "name": "{{name}}", "namespace": "default", "uid": "u"} }
        """;
}
