using System.Text.Json.Nodes;
using ApiServer;

namespace EgressOperator.Tests;

/// <summary>How a real API server takes the status of EgressIPs, their events, and requests that come too late.</summary>
public sealed class StatusOnRealServerTests(PackagedServer packaged) : IClassFixture<PackagedServer>, IDisposable
{
    private const string Path = "/apis/k8s.ovn.org/v1/egressips/e";

    private const string Manager = "egress-operator";

    private const string Example = """
        apiVersion: k8s.ovn.org/v1
        kind: EgressIP
        metadata: { name: e, labels: { team: shop }, annotations: { example.com/ticket: "4711" } }
        spec:
          egressIPs: [192.168.126.10, 192.168.126.11]
          namespaceSelector: { matchLabels: { env: prod } }
        """;

    private Kubectl Kubectl => packaged.Kubectl;

    public void Dispose()
    {
        if (RealApiServer.Assets is not null)
        {
            Kubectl.Must("delete egressip e --ignore-not-found");
        }
    }

    /// <summary>Neither touches what is the other's: labels, annotations and spec, or the status.</summary>
    [RealServerFact]
    public async Task Users_and_the_controller_share_an_object()
    {
        JsonNode before = Create();
        ApiAnswer answer = await packaged.Controller.ApplyAsync(Path, Manager, StatusOf(before));
        Assert.True(answer.Status == 200, answer.ToString());
        Assert.True(JsonNode.DeepEquals(before["spec"], answer.Body["spec"]), answer.ToString());
        foreach (string part in (string[])["labels", "annotations"])
        {
            Assert.True(JsonNode.DeepEquals(before["metadata"]![part], answer.Body["metadata"]![part]), answer.ToString());
        }

        JsonNode status = answer.Body["status"]!;
        Assert.True(JsonNode.DeepEquals(StatusOf(before)["status"], status), answer.ToString());
        JsonNode own = Assert.Single(
            answer.Body["metadata"]!["managedFields"]!.AsArray(), entry => (string)entry!["manager"]! == Manager)!;
        Assert.Equal(["f:status"], own["fieldsV1"]!.AsObject().Select(field => field.Key));

        Kubectl.Must("apply -f -", Example.Replace("192.168.126.11", "192.168.126.12", StringComparison.Ordinal));
        JsonNode after = Kubectl.Json("get egressip e");
        Assert.Equal("192.168.126.12", (string)after["spec"]!["egressIPs"]![1]!);
        Assert.True(JsonNode.DeepEquals(status, after["status"]), after.ToJsonString());
    }

    [RealServerFact]
    public async Task What_the_controller_no_longer_sends_is_removed()
    {
        JsonObject both = StatusOf(Create());
        JsonNode assigned = both["status"]!["conditions"]![0]!;
        JsonNode ready = assigned.DeepClone();
        ready["type"] = "Ready";
        both["status"]!["conditions"]!.AsArray().Add(ready);
        ApiAnswer first = await packaged.Controller.ApplyAsync(Path, Manager, both);
        Assert.True(first.Status == 200 && JsonNode.DeepEquals(both["status"], first.Body["status"]), first.ToString());

        JsonObject one = StatusOf(first.Body);
        one["status"]!["items"] = new JsonArray();
        ApiAnswer second = await packaged.Controller.ApplyAsync(Path, Manager, one);
        Assert.True(second.Status == 200 && JsonNode.DeepEquals(one["status"], second.Body["status"]), second.ToString());
    }

    [RealServerFact]
    public async Task A_status_of_an_older_version_is_refused()
    {
        JsonObject old = StatusOf(Create());
        Kubectl.Must("annotate egressip e example.com/more=yes");
        ApiAnswer answer = await packaged.Controller.ApplyAsync(Path, Manager, old);
        Assert.True(answer.Status == 409, answer.ToString());
        Assert.Null(Kubectl.Json("get egressip e")["status"]);
    }

    /// <summary>Apply could create it anew: the uid that is sent forbids that.</summary>
    [RealServerFact]
    public async Task A_status_of_a_deleted_object_creates_nothing()
    {
        JsonObject late = StatusOf(Create());
        Kubectl.Must("delete egressip e");
        ApiAnswer answer = await packaged.Controller.ApplyAsync(Path, Manager, late);
        Assert.True(answer.Status == 409, answer.ToString());
        Assert.Equal(404, (await packaged.Server.Admin.GetAsync(Path)).Status);
    }

    /// <summary>An object of the same name is another one: the version tells it, and the identity even with the right version.</summary>
    [RealServerTheory]
    [InlineData(409, false)]
    [InlineData(422, true)]
    public async Task A_status_of_a_namesake_is_refused(int status, bool hasVersion)
    {
        JsonObject late = StatusOf(Create());
        Kubectl.Must("delete egressip e");
        JsonNode namesake = Create();
        if (hasVersion)
        {
            late["metadata"]!["resourceVersion"] = (string)namesake["metadata"]!["resourceVersion"]!;
        }

        ApiAnswer answer = await packaged.Controller.ApplyAsync(Path, Manager, late);
        Assert.True(answer.Status == status, answer.ToString());
        Assert.Null(Kubectl.Json("get egressip e")["status"]);
    }

    [RealServerTheory]
    [InlineData("items", "[{\"egressIP\": \"192.168.126.10\"}]")]
    [InlineData("conditions", "[{\"type\": \"Assigned\", \"status\": \"True\"}]")]
    [InlineData("conditions", """
        [{"type": "Assigned", "status": "Maybe", "reason": "Assigned", "message": "", "lastTransitionTime": "2026-01-31T12:00:00Z"}]
        """)]
    public async Task An_incomplete_status_is_refused(string member, string value)
    {
        JsonObject wrong = StatusOf(Create());
        wrong["status"]![member] = JsonNode.Parse(value);
        ApiAnswer answer = await packaged.Controller.ApplyAsync(Path, Manager, wrong);
        Assert.True(answer.Status == 422, answer.ToString());
    }

    [RealServerFact]
    public async Task Kubectl_describe_shows_the_events_of_the_controller()
    {
        JsonNode made = Create();
        const string now = "2026-01-31T12:00:00Z";
        ApiAnswer answer = await packaged.Controller.PostAsync("/api/v1/namespaces/default/events", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["generateName"] = "e.", ["namespace"] = "default" },
            ["involvedObject"] = new JsonObject
            {
                ["apiVersion"] = "k8s.ovn.org/v1",
                ["kind"] = "EgressIP",
                ["name"] = "e",
                ["uid"] = (string)made["metadata"]!["uid"]!,
            },
            ["type"] = "Warning",
            ["reason"] = "NoMatchingNodeFound",
            ["message"] = "no node is labelled",
            ["source"] = new JsonObject { ["component"] = Manager },
            ["firstTimestamp"] = now,
            ["lastTimestamp"] = now,
            ["count"] = 1,
        });
        Assert.True(answer.Status == 201, answer.ToString());
        Assert.Contains("NoMatchingNodeFound", Kubectl.Must("describe egressip e"), StringComparison.Ordinal);
    }

    /// <summary>What the controller sends: identity and version of what it has read, and the status.</summary>
    private static JsonObject StatusOf(JsonNode read) => new JsonObject
    {
        ["apiVersion"] = "k8s.ovn.org/v1",
        ["kind"] = "EgressIP",
        ["metadata"] = new JsonObject
        {
            ["name"] = "e",
            ["uid"] = (string)read["metadata"]!["uid"]!,
            ["resourceVersion"] = (string)read["metadata"]!["resourceVersion"]!,
        },
        ["status"] = new JsonObject
        {
            ["items"] = new JsonArray(new JsonObject { ["egressIP"] = "192.168.126.10", ["node"] = "node1" }),
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "Assigned",
                ["status"] = "False",
                ["reason"] = "NoMatchingNodeFound",
                ["message"] = "192.168.126.11: no node is labelled",
                ["lastTransitionTime"] = "2026-01-31T12:00:00Z",
                ["observedGeneration"] = 1,
            }),
        },
    };

    private JsonNode Create()
    {
        Kubectl.Must("apply -f -", Example);
        return Kubectl.Json("get egressip e");
    }
}
