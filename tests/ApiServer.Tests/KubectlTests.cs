using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ApiServer.Tests;

/// <summary>A user's day with kubectl. The kind is the one of OVN-Kubernetes: status is no subresource.</summary>
public sealed class KubectlTests : IAsyncLifetime, IDisposable
{
    private const string Definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata:
          name: egressips.k8s.ovn.org
        spec:
          group: k8s.ovn.org
          scope: Cluster
          names: {kind: EgressIP, plural: egressips, shortNames: [eip]}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {}
            additionalPrinterColumns:
            - {name: EgressIPs, type: string, jsonPath: ".spec.egressIPs[*]"}
            - {name: Assigned Node, type: string, jsonPath: ".status.items[*].node"}
            schema:
              openAPIV3Schema:
                type: object
                required: [spec]
                properties:
                  spec:
                    type: object
                    required: [egressIPs, namespaceSelector]
                    properties:
                      egressIPs: {type: array, items: {type: string}}
                      namespaceSelector:
                        type: object
                        x-kubernetes-map-type: atomic
                        properties:
                          matchLabels: {type: object, additionalProperties: {type: string}}
                  status:
                    type: object
                    required: [items]
                    properties:
                      items:
                        type: array
                        x-kubernetes-list-type: atomic
                        items:
                          type: object
                          required: [node, egressIP]
                          properties: {node: {type: string}, egressIP: {type: string}}

        """;

    private const string Object = """
        apiVersion: k8s.ovn.org/v1
        kind: EgressIP
        metadata: {name: prod}
        spec:
          egressIPs: [192.0.2.10, 192.0.2.11]
          namespaceSelector: {matchLabels: {env: prod}}

        """;

    private KubeApiServer _server = null!;

    private Kubectl _kubectl = null!;

    private JsonObject Prod => _server.Get("egressips", "prod")!;

    public async Task InitializeAsync()
    {
        _server = await KubeApiServer.Start();
        _kubectl = new Kubectl(_server);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _kubectl?.Dispose();

    [Fact]
    public void A_definition_and_its_objects_are_applied_both_ways()
    {
        Define();
        Assert.Contains("created", _kubectl.Run("apply -f -", Object), StringComparison.Ordinal);
        Assert.Contains("unchanged", _kubectl.Run("apply -f -", Object), StringComparison.Ordinal);
        string changed = Object.Replace("2.11", "2.12", StringComparison.Ordinal);
        Assert.Contains("configured", _kubectl.Run("apply -f -", changed), StringComparison.Ordinal);
        Assert.Equal("""["192.0.2.10","192.0.2.12"]""", Prod["spec"]!["egressIPs"]!.ToJsonString());

        KubectlResult conflict = _kubectl.Try("apply --server-side --field-manager=other -f -", Object);
        Assert.NotEqual(0, conflict.ExitCode);
        Assert.Contains(".spec.egressIPs", conflict.Stderr, StringComparison.Ordinal);
        _kubectl.Run("apply --server-side --force-conflicts --field-manager=other -f -", Object);
        Assert.Equal("""["192.0.2.10","192.0.2.11"]""", Prod["spec"]!["egressIPs"]!.ToJsonString());
        Assert.Contains("unchanged", _kubectl.Run("apply -f -", Definition), StringComparison.Ordinal);
    }

    [Fact]
    public void Objects_are_shown()
    {
        Define();
        _kubectl.Run("apply -f -", Object);
        _kubectl.Run(
            "patch eip prod --type=merge "
            + "-p {\"status\":{\"items\":[{\"node\":\"n1\",\"egressIP\":\"192.0.2.10\"},{\"node\":\"n2\",\"egressIP\":\"192.0.2.11\"}]}}");
        Assert.Equal(
            "NAME   EGRESSIPS               ASSIGNED NODE\nprod   192.0.2.10 192.0.2.11   n1 n2\n", _kubectl.Run("get eip"));
        Assert.Contains("prod", _kubectl.Run("get egressips.v1.k8s.ovn.org -o wide"), StringComparison.Ordinal);
        Assert.Equal("n1", _kubectl.Run("get eip prod -o jsonpath={.status.items[0].node}"));
        Assert.Contains("Match Labels", _kubectl.Run("describe eip prod"), StringComparison.Ordinal);
        Assert.Equal("egressip.k8s.ovn.org/prod\n", _kubectl.Run("get eip -o name"));
        Assert.Contains("default", _kubectl.Run("get namespaces"), StringComparison.Ordinal);
        Assert.Contains("egressips", _kubectl.Run("api-resources --api-group=k8s.ovn.org"), StringComparison.Ordinal);
        Assert.Contains("NotFound", _kubectl.Try("get eip none").Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public void Objects_are_changed_and_deleted()
    {
        Define();
        _kubectl.Run("create -f -", Object);
        _kubectl.Run("label eip prod team=a");
        _kubectl.Run("annotate eip prod note=b");
        Assert.Equal(("a", "b"), ((string?)Prod["metadata"]!["labels"]!["team"], (string?)Prod["metadata"]!["annotations"]!["note"]));
        Assert.Equal("No resources found\n", _kubectl.Try("get eip -l team!=a").Stderr);
        _kubectl.Run("edit eip prod", editor: "sed -i s/192.0.2.11/192.0.2.99/");
        Assert.Equal("192.0.2.99", (string?)Prod["spec"]!["egressIPs"]![1]);
        KubectlResult refused = _kubectl.Try("patch eip prod --type=merge -p {\"spec\":{\"egressIPs\":7}}");
        Assert.Contains("spec.egressIPs", refused.Stderr, StringComparison.Ordinal);
        _kubectl.Run("patch eip prod --type=json -p [{\"op\":\"remove\",\"path\":\"/metadata/labels/team\"}]");
        Assert.Null(Prod["metadata"]!["labels"]);
        _kubectl.Run("delete eip prod --timeout=10s");
        Assert.Empty(_server.All("egressips"));
        _kubectl.Run("delete crd egressips.k8s.ovn.org --timeout=10s");
        Assert.NotEqual(0, _kubectl.Try("get eip").ExitCode);
    }

    [Fact]
    public void A_watch_is_printed()
    {
        Define();
        _kubectl.Run("create -f -", Object);
        using Process watch = _kubectl.Start("get eip --watch");
        try
        {
            string?[] first = [watch.StandardOutput.ReadLine(), watch.StandardOutput.ReadLine()];
            Assert.StartsWith("prod", first[1], StringComparison.Ordinal);
            Shared.Eventually.IsTrue(() => _server.WatchCount == 1, "kubectl does not watch");
            _kubectl.Run(
                "patch eip prod --type=merge -p {\"status\":{\"items\":[{\"node\":\"n7\",\"egressIP\":\"192.0.2.10\"}]}}");
            Assert.Contains("n7", watch.StandardOutput.ReadLine(), StringComparison.Ordinal);
        }
        finally
        {
            watch.Kill();
        }
    }

    [Fact]
    public void Events_are_shown_with_their_object()
    {
        Define();
        _kubectl.Run("create -f -", Object);
        _server.Apply(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["name"] = "prod.1", ["namespace"] = "default" },
            ["involvedObject"] = new JsonObject
            {
                ["apiVersion"] = "k8s.ovn.org/v1",
                ["kind"] = "EgressIP",
                ["name"] = "prod",
                ["uid"] = (string)Prod["metadata"]!["uid"]!,
            },
            ["type"] = "Warning",
            ["reason"] = "UnassignedRequest",
            ["message"] = "no node",
            ["lastTimestamp"] = "2026-01-01T00:00:00Z",
        });
        Assert.Contains("UnassignedRequest", _kubectl.Run("get events"), StringComparison.Ordinal);
        Assert.Contains("egressip/prod", _kubectl.Run("get events --field-selector type=Warning"), StringComparison.Ordinal);
        Assert.Contains("no node", _kubectl.Run("describe eip prod"), StringComparison.Ordinal);
    }

    private void Define()
    {
        _kubectl.Run("apply -f -", Definition);
        _kubectl.Run("wait --for=condition=Established crd/egressips.k8s.ovn.org --timeout=10s");
    }
}
