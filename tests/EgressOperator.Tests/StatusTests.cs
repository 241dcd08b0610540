using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;
using Shared;

namespace EgressOperator.Tests;

/// <summary><c>status</c>, on the tests' own API server.</summary>
public sealed class StatusTests : IAsyncLifetime
{
    private OwnCluster? _cluster;

    private OwnCluster Cluster => _cluster ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync()
    {
        _cluster = await OwnCluster.StartAsync();
        Cluster.Server.Apply(Samples.Node("n1", 12, "10.10.10.5/24"));
        Cluster.Server.Apply(Samples.Node("n2", 51));
        Cluster.Server.Apply(Samples.Node("n3", 53));
        Cluster.Server.Apply(Samples.Label("n3", null));
        Cluster.Server.Apply(Samples.NodePart("n2", new JsonObject { ["status"] = Samples.Ready("True") }));
        JsonObject assigned = Samples.EgressIP("assigned", "192.168.126.10", "192.168.126.300");
        assigned["status"] = new JsonObject
        {
            ["items"] = new JsonArray(new JsonObject { ["node"] = "n1", ["egressIP"] = "192.168.126.10" }),
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "Assigned",
                ["status"] = "False",
                ["reason"] = "SomeUnassigned",
                ["message"] = "192.168.126.300: it is not an IP address",
                ["lastTransitionTime"] = "2026-11-27T12:03:00Z",
            }),
        };
        Cluster.Server.Apply(assigned);
        Cluster.Server.Apply(Samples.EgressIP("fresh", "10.10.10.100"));
        Cluster.Server.Apply(Samples.Namespace("prod", "prod"));
        Cluster.Server.Apply(Samples.Pod("prod", "web", "n3", "10.244.3.5"));
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    [Theory]
    [InlineData("", "all.table")]
    [InlineData("-o json", "all.json")]
    [InlineData("assigned", "one.table")]
    [InlineData("fresh", "fresh.table")]
    [InlineData("assigned -o json", "one.json")]
    public void It_shows_the_cluster(string arguments, string golden)
    {
        Outcome outcome = Operator.Run($"status {arguments} --kubeconfig {Cluster.Kubeconfig}");
        string command = $"status {arguments}".TrimEnd();
        Golden.Verify($"$ egress-operator {command}\n{outcome.Stdout}exit code {outcome.ExitCode}", "egressip", "status", golden);
        Assert.Equal("", outcome.Stderr);
    }

    [Fact]
    public void It_changes_nothing()
    {
        Operator.Run($"status --kubeconfig {Cluster.Kubeconfig}");
        Assert.NotEmpty(Cluster.Server.Requests);
        Assert.DoesNotContain(Cluster.Server.Requests, request => request.IsWrite);
    }

    [Fact]
    public void An_unknown_name_is_an_error()
    {
        Outcome outcome = Operator.Run($"status other --kubeconfig {Cluster.Kubeconfig}");
        Assert.Equal(new Outcome(2, "", "egress-operator: the cluster has no EgressIP other\n"), outcome);
    }

    [Theory]
    [InlineData("egressips.k8s.ovn.org", "EgressIP (k8s.ovn.org/v1)")]
    [InlineData("egressnodes.egressip.egress-router-cni.io", "EgressNode (egressip.egress-router-cni.io/v1alpha1)")]
    public void A_cluster_without_the_kinds_is_refused(string definition, string kind)
    {
        Cluster.Server.Delete("customresourcedefinitions", definition);
        string[] commands = ["controller --port 0 --egress-ip=true", "controller --port 0 --egress-router=false", "status"];
        foreach (string command in commands)
        {
            if (command == "status")
            {
                Cluster.Server.Delete("customresourcedefinitions", "egressrouters.network.operator.openshift.io");
                Cluster.Server.Delete("customresourcedefinitions", "network-attachment-definitions.k8s.cni.cncf.io");
            }

            Outcome outcome = Operator.Run($"{command} --kubeconfig {Cluster.Kubeconfig}");
            Assert.Equal(2, outcome.ExitCode);
            Assert.EndsWith(
                $"egress-operator: the cluster has no {kind}: apply its CustomResourceDefinition first\n", outcome.Stderr,
                StringComparison.Ordinal);
        }
    }

    /// <summary>Routers need Multus and the plugin alone. Whoever may write a pod or an attachment may write anything into it.</summary>
    [Fact]
    public void A_cluster_with_routers_alone_is_shown()
    {
        Cluster.Server.Delete("customresourcedefinitions", "egressips.k8s.ovn.org");
        Cluster.Server.Delete("customresourcedefinitions", "egressnodes.egressip.egress-router-cni.io");
        Cluster.Server.Delete("customresourcedefinitions", "egressrouters.network.operator.openshift.io");
        (string Name, string Config)[] networks = [("er", """{"type":"egress-router"}"""), ("half", "{"), ("other", """{"type":"macvlan"}""")];
        foreach ((string name, string config) in networks)
        {
            Cluster.Server.Apply(Samples.Of("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", name, new JsonObject
            {
                ["metadata"] = new JsonObject { ["namespace"] = "prod" },
                ["spec"] = new JsonObject { ["config"] = config },
            }));
        }

        (string Name, string Networks)[] pods =
        [
            ("er-0", """[{"name":"cbr0","interface":"eth0"},{"name":"prod/er","interface":"net1","ips":["192.168.12.99","fd00:12::99"]}]"""),
            ("other", """[{"name":"prod/other","interface":"net1"}]"""), ("hostile", "[1]"),
        ];
        foreach ((string name, string attached) in pods)
        {
            JsonObject pod = Samples.Pod("prod", name, "n3", "10.244.3.6");
            pod["metadata"]!["annotations"] = new JsonObject { ["k8s.v1.cni.cncf.io/network-status"] = attached };
            Cluster.Server.Apply(pod);
        }

        Outcome outcome = Operator.Run($"status --kubeconfig {Cluster.Kubeconfig}");
        Golden.Verify(
            $"$ egress-operator status\n{outcome.Stdout}{outcome.Stderr}exit code {outcome.ExitCode}", "egressip", "status", "routers.table");
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_an_error()
    {
        await Cluster.Server.GoAway();
        Outcome outcome = Operator.Run($"status --kubeconfig {Cluster.Kubeconfig}");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Equal(
            $"egress-operator: GET /apis/k8s.ovn.org/v1: Connection refused (127.0.0.1:{Cluster.Server.Port})\n", outcome.Stderr);
    }

    [Theory]
    [InlineData("", "--kubeconfig needs a value")]
    [InlineData("/no/such/file", "/no/such/file: it is no usable kubeconfig: kubeconfig file not found at /no/such/file")]
    [InlineData("/dev/null", "/dev/null: it is no usable kubeconfig: ")]
    public void A_kubeconfig_that_is_none_is_an_error(string file, string message)
    {
        Outcome outcome = Operator.Run($"status --kubeconfig {file}");
        Assert.Equal(2, outcome.ExitCode);
        Assert.StartsWith($"egress-operator: {message}", outcome.Stderr, StringComparison.Ordinal);
        Assert.Equal(1, outcome.Stderr.Count(letter => letter == '\n'));
    }
}
