using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

[Collection("server")]
public class ReadTests(ServerFixture server)
{
    private Api Api => server.Api;

    [Fact]
    public async Task What_is_not_there_is_a_Status()
    {
        Answer answer = await Api.Get(Widgets + "/none");
        Assert.Equal(
            """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"widgets.test.example \"none\" not found","reason":"NotFound","details":{"name":"none","group":"test.example","kind":"widgets"},"code":404}""",
            answer.Body!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        Answer kind = await Api.Get("/apis/test.example/v1/nones");
        Assert.Equal((404, "404 page not found\n"), (kind.Code, (string?)kind.Body));
    }

    /// <summary>The labels of five objects, and which of them a selector selects.</summary>
    [Theory]
    [InlineData("", "a b c d e")]
    [InlineData("env=prod", "a b")]
    [InlineData("env==prod", "a b")]
    [InlineData("env!=prod", "c d e")]
    [InlineData("env", "a b c")]
    [InlineData("!env", "d e")]
    [InlineData("env in (prod,test)", "a b c")]
    [InlineData("env notin (prod)", "c d e")]
    [InlineData("env=prod,tier=1", "a")]
    [InlineData("env in (prod), !tier", "b")]
    [InlineData("tier>1", "c")]
    [InlineData("tier<2", "a")]
    [InlineData("x.example/y=", "d")]
    public async Task A_label_selector_selects(string selector, string expected)
    {
        string space = await Labelled();
        Answer answer = await Api.Get($"{space}?labelSelector={Uri.EscapeDataString(selector)}");
        Assert.Equal(expected, string.Join(' ', answer.Names));
    }

    [Theory]
    [InlineData("labelSelector=a in b")]
    [InlineData("labelSelector=a=b=c")]
    [InlineData("fieldSelector=spec.size=1")]
    [InlineData("fieldSelector=metadata.name")]
    [InlineData("continue=abc")]
    [InlineData("limit=abc")]
    public async Task What_selects_nothing_sensible_is_refused(string query)
    {
        Answer answer = await Api.Get($"{Widgets}?{Uri.EscapeDataString(query).Replace("%3D", "=", StringComparison.Ordinal)}");
        Assert.Equal((400, "BadRequest"), (answer.Code, answer.Reason));
    }

    [Theory]
    [InlineData("metadata.name=a", "a")]
    [InlineData("metadata.name!=a", "b")]
    [InlineData("spec.nodeName=n1", "a")]
    [InlineData("spec.nodeName=", "b")]
    [InlineData("status.phase=Pending", "a b")]
    [InlineData("status.phase!=Pending,metadata.name=a", "")]
    public async Task A_field_selector_selects_pods(string selector, string expected)
    {
        string path = await NewNamespace();
        (string, string)[] pods = [("a", "n1"), ("b", "")];
        foreach ((string name, string node) in pods)
        {
            Answer made = await Api.Post(path + "/pods", $$"""
                {"metadata": {"name": "{{name}}"}, "spec": {"nodeName": "{{node}}", "containers": [{"name": "c", "image": "i"}]} }
                """);
            Assert.Equal(201, made.Code);
        }

        Assert.Equal(expected, string.Join(' ', (await Api.Get($"{path}/pods?fieldSelector={Uri.EscapeDataString(selector)}")).Names));
    }

    [Fact]
    public async Task A_list_comes_in_parts_of_one_moment()
    {
        string path = await Labelled();
        Answer first = await Api.Get($"{path}?limit=2");
        Assert.Equal(["a", "b"], first.Names);
        Assert.Equal("3", first.Part("metadata/remainingItemCount"));
        await Api.Post(path, """{"metadata": {"name": "bb"}}""");
        await Api.Delete($"{path}/d");
        Answer second = await Api.Get($"{path}?limit=2&continue={Uri.EscapeDataString((string)first.Body!["metadata"]!["continue"]!)}");
        Assert.Equal((first.Revision, "c d"), (second.Revision, string.Join(' ', second.Names)));
        Answer last = await Api.Get($"{path}?limit=2&continue={Uri.EscapeDataString((string)second.Body!["metadata"]!["continue"]!)}");
        Assert.Equal(["e"], last.Names);
        Assert.Equal("null", last.Part("metadata/continue"));
        Assert.Equal(["a", "b", "bb", "c", "e"], (await Api.Get($"{path}?limit=2&resourceVersion=0")).Names.Order());
    }

    [Fact]
    public async Task A_list_of_an_exact_version_is_old()
    {
        string path = await Labelled();
        Answer old = await Api.Get(path);
        await Api.Delete($"{path}/a");
        Assert.Equal(["b", "c", "d", "e"], (await Api.Get($"{path}?resourceVersion={old.Revision}")).Names.Order());
        Answer exact = await Api.Get($"{path}?resourceVersion={old.Revision}&limit=500");
        Assert.Equal((old.Revision, "a b c d e"), (exact.Revision, string.Join(' ', exact.Names)));
    }

    [Fact]
    public async Task A_version_of_the_future_is_a_timeout()
    {
        Answer answer = await Api.Get($"{Widgets}?resourceVersion=999999999");
        Assert.Equal((504, "Timeout"), (answer.Code, answer.Reason));
        Assert.Equal("ResourceVersionTooLarge", (string?)answer.Body!["details"]!["causes"]![0]!["reason"]);
    }

    /// <summary>Items of built-in kinds have no kind, those of custom kinds have one.</summary>
    [Fact]
    public async Task A_list_has_its_kind()
    {
        await server.NewGadget();
        Answer custom = await Api.Get(Gadgets);
        Assert.Equal("\"\"", custom.Part("metadata/continue"));
        Assert.Equal(("\"GadgetList\"", "\"test.example/v1\""), (custom.Part("kind"), custom.Part("apiVersion")));
        Assert.Equal("Gadget", (string?)custom.Body!["items"]![0]!["kind"]);
        Answer builtIn = await Api.Get("/api/v1/namespaces");
        Assert.Equal("\"NamespaceList\"", builtIn.Part("kind"));
        Assert.Equal("metadata spec status", string.Join(' ', builtIn.Body!["items"]![0]!.AsObject().Select(member => member.Key)));
        Assert.Equal("Namespace", (string?)(await Api.Get("/api/v1/namespaces/default")).Object["kind"]);
    }

    [Fact]
    public async Task Metadata_alone_can_be_asked_for()
    {
        (string path, JsonObject made) = await server.NewGadget("{\"size\": 1}");
        const string accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        JsonObject one = (await Api.Get(path, accept)).Object;
        Assert.Equal(["apiVersion", "kind", "metadata"], one.Select(member => member.Key).Order());
        Assert.Equal((string?)made["metadata"]!["uid"], (string?)one["metadata"]!["uid"]);
        Answer list = await Api.Get(Gadgets, accept.Replace("Metadata;", "MetadataList;", StringComparison.Ordinal));
        Assert.Equal("\"PartialObjectMetadataList\"", list.Part("kind"));
        Assert.Equal(406, (await Api.Get(Gadgets, "application/vnd.kubernetes.protobuf")).Code);
    }

    /// <summary>A namespace, and its path.</summary>
    private async Task<string> NewNamespace()
    {
        string name = NewName();
        Assert.Equal(201, (await Api.Post("/api/v1/namespaces", $$"""{"metadata": {"name": "{{name}}"} }""")).Code);
        return $"/api/v1/namespaces/{name}";
    }

    /// <summary>ConfigMaps with labels, and the path of their list.</summary>
    private async Task<string> Labelled()
    {
        string path = await NewNamespace() + "/configmaps";
        string[] labels =
            ["\"env\": \"prod\", \"tier\": \"1\"", "\"env\": \"prod\"", "\"env\": \"test\", \"tier\": \"2\"", "\"x.example/y\": \"\"", ""];
        foreach ((int index, string one) in labels.Index())
        {
            Answer made = await Api.Post(path, $$$$"""{"metadata": {"name": "{{{{"abcde"[index]}}}}", "labels": { {{{{one}}}} }}}""");
            Assert.Equal(201, made.Code);
        }

        return path;
    }
}
