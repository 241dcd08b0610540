using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using ApiServer;
using Kubernetes.Tests.Infrastructure;

namespace Kubernetes.Tests.Requests;

/// <summary>Requests as they come to a server, and what it does with them.</summary>
public sealed class KubernetesApiTests : IAsyncLifetime
{
    private static readonly Resource _leases = Resource.Leases;

    private KubeApiServer _server = null!;

    private KubernetesApi _api = null!;

    public async Task InitializeAsync()
    {
        _server = await KubeApiServer.Start();
        _api = Clients.Of(_server, "egress-test/1.0");
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task An_object_is_made_read_and_replaced()
    {
        JsonElement made = await _api.CreateAsync(_leases, "default", Lease("x"), CancellationToken.None);
        JsonElement read = await _api.GetAsync(_leases, "default", "x", CancellationToken.None);
        Assert.Equal(ObjectMeta.Of(made), ObjectMeta.Of(read));
        var next = JsonObject.Create(read)!;
        next["spec"]!["holderIdentity"] = "b";
        JsonElement replaced = await _api.ReplaceAsync(_leases, "default", "x", next, CancellationToken.None);
        Assert.True(ObjectMeta.Of(replaced).IsNewerThan(ObjectMeta.Of(read)));
        Assert.Equal("b", _server.Get("leases.coordination.k8s.io", "x")!["spec"]!["holderIdentity"]!.ToString());

        ApiException old = await Assert.ThrowsAsync<ApiException>(
            () => _api.ReplaceAsync(_leases, "default", "x", JsonObject.Create(read)!, CancellationToken.None));
        Assert.True(old.IsConflict);
        Assert.False(old.IsAlreadyExists);
        Assert.Equal("Conflict", old.Reason);
        ApiException exists = await Assert.ThrowsAsync<ApiException>(
            () => _api.CreateAsync(_leases, "default", Lease("x"), CancellationToken.None));
        Assert.True(exists.IsAlreadyExists);
        ApiException missing = await Assert.ThrowsAsync<ApiException>(
            () => _api.GetAsync(_leases, "default", "y", CancellationToken.None));
        Assert.True(missing.IsNotFound);
        Assert.Equal("NotFound", missing.Reason);
    }

    [Fact]
    public async Task Apply_tells_whose_field_it_is_unless_forced_and_removes_what_it_no_longer_has()
    {
        await ApplyAsync("first", """{"a":"1","b":"1"}""", force: false);
        ApiException conflict = await Assert.ThrowsAsync<ApiException>(() => ApplyAsync("second", """{"a":"2"}""", force: false));
        Assert.True(conflict.IsConflict);
        Assert.Equal("Conflict", conflict.Reason);
        Assert.Contains("first", conflict.Message, StringComparison.Ordinal);
        Assert.Equal("""{"a":"1","b":"1"}""", Labels());

        await ApplyAsync("second", """{"a":"2"}""", force: true);
        Assert.Equal("""{"a":"2","b":"1"}""", Labels());
        await ApplyAsync("second", "{}", force: true);
        Assert.Equal("""{"b":"1"}""", Labels());
        Assert.All(_server.Requests, request => Assert.Equal("apply", request.Verb));

        Task ApplyAsync(string manager, string labels, bool force) => _api.ApplyAsync(
            Resource.Nodes, null, "n", null, Node("n", labels), manager, force, CancellationToken.None);

        string Labels() => _server.Get("nodes", "n")!["metadata"]!["labels"]!.ToJsonString();
    }

    [Fact]
    public async Task A_subresource_is_applied_alone()
    {
        _server.Put("n", 1);
        JsonObject source = Node("n", """{"value":"2"}""");
        source["status"] = new JsonObject { ["phase"] = "Running" };
        JsonElement answer = await _api.ApplyAsync(Resource.Nodes, null, "n", "status", source, "me", force: true, CancellationToken.None);
        Assert.Equal("Running", answer.GetProperty("status").GetProperty("phase").GetString());
        Assert.Equal("status", _server.Requests.Single().Subresource);
    }

    [Fact]
    public async Task Selectors_come_as_they_are()
    {
        foreach ((string name, string value) in (ValueTuple<string, string>[])[("n1", "1"), ("n2", "2"), ("n3", "3")])
        {
            await _api.CreateAsync(Resource.Nodes, null, Node(name, $$"""{"value":"{{value}}"}"""), CancellationToken.None);
        }

        Assert.Equal("n2 n3", await NamesAsync(new Selection(LabelSelector: "value in (2,3), value!=1,!other")));
        Assert.Equal("n1", await NamesAsync(new Selection(FieldSelector: "metadata.name=n1")));
        Assert.Equal("", await NamesAsync(new Selection(FieldSelector: "metadata.name=n1&limit=0#")));
        Assert.Equal("n2 n3", await NamesAsync(new Selection(LabelSelector: "value", FieldSelector: "metadata.name!=n1")));

        ApiException bad = await Assert.ThrowsAsync<ApiException>(() => NamesAsync(new Selection(FieldSelector: "spec.x=1")));
        Assert.Equal(HttpStatusCode.BadRequest, bad.Code);
        Assert.Equal("BadRequest", bad.Reason);

        async Task<string> NamesAsync(Selection selection)
        {
            ObjectPage list = await _api.ListAsync(Resource.Nodes, selection, CancellationToken.None);
            return string.Join(' ', list.Items.Select(node => ObjectMeta.Of(node).Name));
        }
    }

    [Fact]
    public async Task A_list_is_of_one_namespace_or_of_all()
    {
        foreach (string space in (string[])["default", "kube-system"])
        {
            await _api.CreateAsync(_leases, space, Lease("x"), CancellationToken.None);
        }

        Assert.Equal(["default/x", "kube-system/x"], await KeysAsync(Selection.All));
        Assert.Equal(["kube-system/x"], await KeysAsync(new Selection("kube-system")));

        async Task<string[]> KeysAsync(Selection selection) =>
            [.. (await _api.ListAsync(_leases, selection, CancellationToken.None)).Items.Select(lease => ObjectMeta.Of(lease).Key)];
    }

    [Theory]
    [InlineData("plain-name.example.com", "plain-name.example.com")]
    [InlineData("a/b", "a%2Fb")]
    [InlineData("a b?c=d&e#f%g+h", "a%20b%3Fc%3Dd%26e%23f%25g%2Bh")]
    [InlineData("system:node", "system%3Anode")]
    [InlineData("ä", "%C3%A4")]
    public async Task Names_are_escaped(string name, string escaped)
    {
        await using StubServer server = await StubServer.StartAsync(200, "{}");
        using KubernetesApi api = Clients.Of(server.Url);
        await api.GetAsync(_leases, name, name, CancellationToken.None);
        await Assert.ThrowsAsync<ApiException>(
            () => api.ListPageAsync(_leases, new Selection(name, name, name), 5, name, CancellationToken.None));
        string[] targets = [.. server.Requests.Select(request => request.Target)];
        string path = $"/apis/coordination.k8s.io/v1/namespaces/{escaped}/leases";
        Assert.Equal(
            [$"{path}/{escaped}", $"{path}?limit=5&continue={escaped}&labelSelector={escaped}&fieldSelector={escaped}"], targets);
    }

    [Fact]
    public async Task A_server_may_be_below_a_path_and_hears_who_asks()
    {
        await using StubServer server = await StubServer.StartAsync(200, "{}");
        using KubernetesApi api = Clients.Of(new Uri(server.Url, "/k8s/clusters/one/"), "egress-test/1.0");
        await api.GetAsync(Resource.Nodes, null, "n", CancellationToken.None);
        (string target, string headers) = Assert.Single(server.Requests);
        Assert.Equal("/k8s/clusters/one/api/v1/nodes/n", target);
        Assert.Contains("User-Agent: egress-test/1.0", headers, StringComparison.Ordinal);
        Assert.Contains("Accept: application/json", headers, StringComparison.Ordinal);
        Assert.Contains("Accept-Encoding: gzip", headers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_names_of_what_a_group_has()
    {
        IReadOnlySet<string> names = await _api.ResourceNamesAsync(Resource.Nodes, CancellationToken.None);
        Assert.Superset(new HashSet<string> { "nodes", "nodes/status", "pods", "events" }, names.ToHashSet());
        Assert.Empty(await _api.ResourceNamesAsync(new Resource("example.com", "v1", "things", "Thing"), CancellationToken.None));
        _server.Add(Fault.Answer(503));
        await Assert.ThrowsAsync<ApiException>(() => _api.ResourceNamesAsync(Resource.Nodes, CancellationToken.None));
    }

    private static JsonObject Lease(string name) => new()
    {
        ["apiVersion"] = _leases.ApiVersion,
        ["kind"] = _leases.Kind,
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject { ["holderIdentity"] = "a" },
    };

    private static JsonObject Node(string name, string labels) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Node",
        ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = JsonNode.Parse(labels) },
    };
}
