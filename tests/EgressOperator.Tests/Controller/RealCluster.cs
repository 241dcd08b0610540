using System.Text.Json.Nodes;
using ApiServer;

namespace EgressOperator.Tests.Controller;

/// <summary>A real API server, on which packaging/operator is installed. Its objects go when the test ends.</summary>
internal sealed class RealCluster : TestCluster
{
    private const string Core = "/api/v1", Rights = "/apis/rbac.authorization.k8s.io/v1";

    private static readonly Dictionary<string, string> _groups = new()
    {
        ["egressips"] = "/apis/k8s.ovn.org/v1",
        ["egressnodes"] = "/apis/egressip.egress-router-cni.io/v1alpha1",
        ["egressrouters"] = "/apis/network.operator.openshift.io/v1",
        ["network-attachment-definitions"] = "/apis/k8s.cni.cncf.io/v1",
        ["deployments"] = "/apis/apps/v1",
        ["roles"] = Rights,
        ["rolebindings"] = Rights,
        ["customresourcedefinitions"] = "/apis/apiextensions.k8s.io/v1",
        ["clusteroperators"] = "/apis/config.openshift.io/v1",
    };

    /// <summary>The server makes its own Service, and the Deployment is of the packaging.</summary>
    private static readonly string[] _kept = ["kubernetes", "egress-operator"];

    /// <summary>Of these the server has some of its own.</summary>
    private static readonly string[] _mixed = ["serviceaccounts", "roles", "rolebindings", "secrets"];

    private readonly RealApiServer _server;

    private RealCluster(RealApiServer server, string kubeconfig) => (_server, Kubeconfig) = (server, kubeconfig);

    internal override string Kubeconfig { get; }

    public static async Task<RealCluster> StartAsync(RealApiServer server) =>
        new(server, await server.KubeconfigForAsync(PackagedServer.Namespace, PackagedServer.Account));

    public override async ValueTask DisposeAsync()
    {
        foreach (string resource in (string[])[
            "egressips", "egressnodes", "egressrouters", "network-attachment-definitions", "deployments", "services", "pods", "events",
            "nodes", .. _mixed])
        {
            foreach (JsonObject one in (await AllAsync(resource)).Where(one => !_kept.Contains((string)one["metadata"]!["name"]!)
                && (!_mixed.Contains(resource) || one["metadata"]!["ownerReferences"]?[0]!["kind"]?.ToString() == "EgressRouter")))
            {
                await DeleteAsync(resource, (string)one["metadata"]!["name"]!, (string?)one["metadata"]!["namespace"]);
            }
        }
    }

    internal override async Task ApplyAsync(JsonObject source)
    {
        string resource = (string)source["kind"]! is "NetworkAttachmentDefinition" ? "network-attachment-definitions"
            : ((string)source["kind"]!).ToLowerInvariant() + "s";
        string? space = (string?)source["metadata"]!["namespace"];
        await RealApiServer.ApplyAsync(_server.Admin, PathOf(resource, space), source, hasStatus: resource != "egressips");
    }

    internal override async Task DeleteAsync(string resource, string name, string? space = null)
    {
        ApiAnswer answer = await _server.Admin.DeleteAsync(PathOf(resource, space, name) + "?gracePeriodSeconds=0");
        Assert.True(answer.Status is 200 or 202, answer.ToString());
    }

    internal override async Task<IReadOnlyList<JsonObject>> AllAsync(string resource)
    {
        ApiAnswer answer = await _server.Admin.GetAsync(PathOf(resource, null));
        Assert.True(answer.Status == 200, answer.ToString());
        return [.. answer.Body["items"]!.AsArray().Select(one => one!.AsObject())];
    }

    private static string PathOf(string resource, string? space, string? name = null) =>
        _groups.GetValueOrDefault(resource, Core)
        + (space is null ? "" : $"/namespaces/{space}") + $"/{resource}" + (name is null ? "" : $"/{name}");
}
