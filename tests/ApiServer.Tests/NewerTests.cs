using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

/// <summary>What kube-apiserver 1.20 does otherwise, and newer ones do like this. Columns: see <see cref="ColumnTests"/>.</summary>
public class NewerTests : OwnServer
{
    [Fact]
    public async Task Status_that_is_applied_with_the_object_is_nobodys()
    {
        await Api.Apply(Widgets + "/a", "m", Widget("a", "{\"size\": 1}", """, "status": {"phase": "Done"}"""));
        Answer answer = await Api.Get(Widgets + "/a");
        Assert.Equal("null", answer.Part("status"));
        JsonNode entry = Assert.Single(answer.Object["metadata"]!["managedFields"]!.AsArray())!;
        Assert.Equal("""{"f:spec":{"f:size":{}}}""", entry["fieldsV1"]!.ToJsonString());
    }

    [Fact]
    public async Task One_manager_owns_the_object_and_its_status_apart()
    {
        await Api.Apply(Widgets + "/a", "m", Widget("a", "{\"size\": 1}"));
        Answer answer = await Api.Apply(Widgets + "/a/status", "m", Widget("a", "{}", """, "status": {"phase": "Done"}"""));
        Assert.Equal("1", answer.Part("spec/size"));
        Assert.Equal(
            ["{\"f:spec\":{\"f:size\":{}}} ", "{\"f:status\":{\"f:phase\":{}}} status"],
            answer.Object["metadata"]!["managedFields"]!.AsArray()
                .Select(entry => $"{entry!["fieldsV1"]!.ToJsonString()} {entry["subresource"]}").Order());
        await Api.Apply(Widgets + "/a/status", "n", Widget("a", "{}", """, "status": {"phase": "Gone"}"""), isForced: true);
        Answer conflict = await Api.Apply(Widgets + "/a/status", "m", Widget("a", "{}", """, "status": {"phase": "Done"}"""));
        Assert.Equal(
            "conflict with \"n\" with subresource \"status\"", (string?)conflict.Body!["details"]!["causes"]![0]!["message"]);
    }

    [Fact]
    public async Task A_namespace_has_its_name_as_a_label()
    {
        Answer made = await Api.Post("/api/v1/namespaces", """{"metadata": {"name": "shop"}}""");
        Assert.Equal("""{"kubernetes.io/metadata.name":"shop"}""", made.Part("metadata/labels"));
    }
}
