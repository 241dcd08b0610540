using System.Text.Json.Nodes;
using ApiServer;
using Shared;

namespace EgressOperator.Tests;

/// <summary>packaging/operator on a real API server: its objects are accepted, and its roles allow what they should.</summary>
public class ManifestsOnRealServerTests(PackagedServer packaged) : IClassFixture<PackagedServer>
{
    /// <summary>All that each account may do: verb, group and resource; the name if only with that, the namespace if only there.</summary>
    /// <summary>The kinds that are made of EgressRouters.</summary>
    private static readonly string[] _applied =
        ["k8s.cni.cncf.io/network-attachment-definitions", "apps/deployments", "/services", "/serviceaccounts",
            "rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/rolebindings"];

    private static readonly Dictionary<string, string[]> _allowed = new()
    {
        [PackagedServer.Account] =
        [
            "get k8s.ovn.org/egressips", "list k8s.ovn.org/egressips", "watch k8s.ovn.org/egressips", "patch k8s.ovn.org/egressips",
            "patch k8s.ovn.org/egressips/status",
            "list egressip.egress-router-cni.io/egressnodes", "watch egressip.egress-router-cni.io/egressnodes",
            "list /nodes", "watch /nodes", "list /namespaces", "watch /namespaces", "list /pods", "watch /pods",
            "create coordination.k8s.io/leases", "get coordination.k8s.io/leases", "update coordination.k8s.io/leases",
            "create discovery.k8s.io/endpointslices", "patch discovery.k8s.io/endpointslices",
            "delete discovery.k8s.io/endpointslices", "create discovery.k8s.io/endpointslices/restricted",
            "create /secrets", "get /pods in kube-system",
            "list network.operator.openshift.io/egressrouters", "watch network.operator.openshift.io/egressrouters",
            "patch network.operator.openshift.io/egressrouters/status",
            "update network.operator.openshift.io/egressrouters/finalizers",
            .. _applied.SelectMany(kind => (string[])[$"get {kind}", $"list {kind}", $"watch {kind}", $"create {kind}", $"patch {kind}"]),
            "delete /services", "delete apps/deployments",
            "create /events", "list /events", "watch /events",
        ],
        [PackagedServer.AgentAccount] =
        [
            "list k8s.ovn.org/egressips", "watch k8s.ovn.org/egressips",
            "list egressip.egress-router-cni.io/egressnodes", "watch egressip.egress-router-cni.io/egressnodes",
            "create egressip.egress-router-cni.io/egressnodes", "patch egressip.egress-router-cni.io/egressnodes",
            "patch egressip.egress-router-cni.io/egressnodes/status",
            "list /nodes", "watch /nodes", "list /namespaces", "watch /namespaces", "list /pods", "watch /pods",
            "list /services", "list discovery.k8s.io/endpointslices",
        ],
    };

    private static readonly string[] _verbs =
        ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate", "bind", "escalate"];

    private Kubectl Kubectl => packaged.Kubectl;

    /// <summary>Also: nothing that the server adds or drops makes the second run change an object.</summary>
    [RealServerFact]
    public void Apply_again_changes_nothing()
    {
        string[] lines = Kubectl.Must("apply -f -", packaged.Manifests).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(14, lines.Length);
        Assert.All(lines, line => Assert.EndsWith(" unchanged", line, StringComparison.Ordinal));
        Assert.Equal(0, Kubectl.Run("diff -f -", packaged.Manifests).ExitCode);
    }

    /// <summary>The API server makes no pods: its controllers would send it these.</summary>
    [RealServerTheory]
    [InlineData("deployment", "egress-operator", 2000000000)]
    [InlineData("daemonset", "egress-agent", 2000001000)]
    public async Task The_pods_are_accepted(string kind, string name, int priority)
    {
        JsonNode template = Kubectl.Json($"-n {PackagedServer.Namespace} get {kind} {name}")["spec"]!["template"]!;
        const string path = $"/api/v1/namespaces/{PackagedServer.Namespace}/pods?dryRun=All";
        ApiAnswer answer = await packaged.Server.Admin.PostAsync(path, new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject { ["name"] = $"{name}-0", ["labels"] = template["metadata"]!["labels"]!.DeepClone() },
            ["spec"] = template["spec"]!.DeepClone(),
        });
        Assert.True(answer.Status == 201, answer.ToString());
        // The class was found: without it, the pod would have priority 0.
        Assert.Equal(priority, (int)answer.Body["spec"]!["priority"]!);
    }

    /// <summary>Every verb on every resource of the server, in a namespace of the controller, of events, and of neither.</summary>
    [RealServerTheory]
    [InlineData(PackagedServer.Account)]
    [InlineData(PackagedServer.AgentAccount)]
    public async Task The_roles_allow_what_is_done_and_nothing_else(string account)
    {
        var allowed = new List<string>();
        foreach ((string group, string resource, bool isNamespaced) in await ResourcesAsync())
        {
            foreach (string verb in _verbs)
            {
                if (await MayAsync(account, verb, group, resource, "other", ""))
                {
                    allowed.Add($"{verb} {group}/{resource}");
                    continue;
                }

                foreach (string place in isNamespaced ? (string[])["default", PackagedServer.Namespace] : [])
                {
                    if (await MayAsync(account, verb, group, resource, place, ""))
                    {
                        allowed.Add($"{verb} {group}/{resource} in {place}");
                    }
                    else if (await MayAsync(account, verb, group, resource, place, "egress-operator"))
                    {
                        allowed.Add($"{verb} {group}/{resource} egress-operator in {place}");
                    }
                }
            }
        }

        Assert.Equal(_allowed[account].Order(StringComparer.Ordinal), allowed.Order(StringComparer.Ordinal));
    }

    [RealServerTheory]
    [InlineData("agents.yaml", 1)]
    [InlineData("bare-metal.yaml", 2)]
    [InlineData("cloud.yaml", 1)]
    public void The_EgressIPs_of_an_example_are_kept_as_they_are_written(string example, int count)
    {
        string[] documents = [.. File.ReadAllText(Repository.PathOf("packaging", "operator", "examples", example)).Split("\n---\n")
            .Where(document => document.Contains("\nkind: EgressIP\n", StringComparison.Ordinal))];
        Assert.Equal(count, documents.Length);
        Assert.All(documents, document =>
        {
            JsonNode made = JsonNode.Parse(Kubectl.Must("apply --validate=true -o json -f -", document))!;
            JsonNode written =
                JsonNode.Parse((string)made["metadata"]!["annotations"]!["kubectl.kubernetes.io/last-applied-configuration"]!)!;
            Assert.True(JsonNode.DeepEquals(written["spec"], made["spec"]), made.ToJsonString());
            Assert.True(JsonNode.DeepEquals(written["status"], made["status"]), made.ToJsonString());
            Kubectl.Must($"delete egressip {made["metadata"]!["name"]}");
        });
    }

    [RealServerFact]
    public void The_columns_are_those_of_OVN_Kubernetes()
    {
        Kubectl.Must("apply -f -", """
            apiVersion: k8s.ovn.org/v1
            kind: EgressIP
            metadata: { name: columns }
            spec: { egressIPs: [192.168.126.10], namespaceSelector: {} }
            status: { items: [{ node: node1, egressIP: 192.168.126.10 }] }
            """);
        Assert.Equal(
            [
                "NAME      EGRESSIPS        ASSIGNED NODE   ASSIGNED EGRESSIPS",
                "columns   192.168.126.10   node1           192.168.126.10",
            ],
            Kubectl.Must("get eip columns").Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Kubectl.Must("delete eip columns");
    }

    [RealServerFact]
    public async Task A_report_of_a_node_is_kept_as_it_is_written()
    {
        Kubectl.Must("apply -f -", """
            apiVersion: egressip.egress-router-cni.io/v1alpha1
            kind: EgressNode
            metadata: { name: node1 }
            """);
        JsonNode status = JsonNode.Parse("""
            {
              "networks": [{"link": "eth1", "cidr": "10.10.10.0/24", "addresses": ["10.10.10.5"], "gateways": ["10.10.10.1"]}],
              "egressIPs": ["10.10.10.100", "fd00:126::100"],
              "conflicts": [{"egressIP": "10.10.10.101", "mac": "02:00:00:00:00:01"}],
              "version": "0.1.0",
              "conditions": [{"type": "Ready", "status": "True", "reason": "Running", "message": "", "observedGeneration": 1,
                "lastTransitionTime": "2026-01-31T12:00:00Z"}]
            }
            """)!;
        const string path = "/apis/egressip.egress-router-cni.io/v1alpha1/egressnodes/node1";
        ApiAnswer answer = await ReportAsync(status.DeepClone());
        Assert.True(answer.Status == 200 && JsonNode.DeepEquals(status, answer.Body["status"]), answer.ToString());

        string[] lines = Kubectl.Must("get eipn").Split('\n');
        Assert.Equal(["NAME", "ADDRESSES", "READY", "AGE"], Words(lines[0]));
        Assert.Equal(["node1", "[\"10.10.10.100\",\"fd00:126::100\"]", "True"], Words(lines[1])[..3]);
        Assert.Equal(["NAME", "ADDRESSES", "READY", "CONFLICTS", "VERSION", "AGE"], Words(Kubectl.Must("get eipn -o wide").Split('\n')[0]));

        JsonNode wrong = status.DeepClone();
        wrong["conditions"]!.AsArray().Add(wrong["conditions"]![0]!.DeepClone());
        ApiAnswer refusal = await ReportAsync(wrong);
        // 500 in Kubernetes 1.20.
        Assert.True(refusal.Status >= 400, refusal.ToString());

        Task<ApiAnswer> ReportAsync(JsonNode report) => packaged.Server.Admin.ApplyAsync($"{path}/status", "agent", new JsonObject
        {
            ["apiVersion"] = "egressip.egress-router-cni.io/v1alpha1",
            ["kind"] = "EgressNode",
            ["metadata"] = new JsonObject { ["name"] = "node1" },
            ["status"] = report,
        });
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>All resources, and those that no list of the server has.</summary>
    private async Task<IEnumerable<(string Group, string Resource, bool IsNamespaced)>> ResourcesAsync()
    {
        var found = new List<(string, string, bool)>
        {
            ("k8s.ovn.org", "egressips/status", false),
            // No resources, but rights that the server asks for, and OpenShift.
            ("network.operator.openshift.io", "egressrouters/finalizers", true),
            ("discovery.k8s.io", "endpointslices/restricted", true),
        };
        JsonArray groups = (await packaged.Server.Admin.GetAsync("/apis")).Body["groups"]!.AsArray();
        IEnumerable<string> paths = groups.Select(group => $"/apis/{group!["preferredVersion"]!["groupVersion"]}");
        foreach (string path in paths.Append("/api/v1"))
        {
            JsonNode list = (await packaged.Server.Admin.GetAsync(path)).Body;
            string group = path == "/api/v1" ? "" : path.Split('/')[2];
            found.AddRange(list["resources"]!.AsArray().Select(one => (group, (string)one!["name"]!, (bool)one["namespaced"]!)));
        }

        // Every user may ask what he may do.
        return found.Where(one => one is not ("authorization.k8s.io", "selfsubjectaccessreviews" or "selfsubjectrulesreviews", _));
    }

    private async Task<bool> MayAsync(string account, string verb, string group, string resource, string place, string name)
    {
        string[] parts = resource.Split('/');
        ApiAnswer answer = await packaged.Server.Admin.PostAsync("/apis/authorization.k8s.io/v1/subjectaccessreviews", new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1",
            ["kind"] = "SubjectAccessReview",
            ["spec"] = new JsonObject
            {
                ["user"] = $"system:serviceaccount:{PackagedServer.Namespace}:{account}",
                ["groups"] = new JsonArray(
                    "system:serviceaccounts", $"system:serviceaccounts:{PackagedServer.Namespace}", "system:authenticated"),
                ["resourceAttributes"] = new JsonObject
                {
                    ["verb"] = verb,
                    ["group"] = group,
                    ["resource"] = parts[0],
                    ["subresource"] = parts.Length > 1 ? parts[1] : "",
                    ["namespace"] = place,
                    ["name"] = name,
                },
            },
        });
        Assert.True(answer.Status == 201, answer.ToString());
        return (bool)answer.Body["status"]!["allowed"]!;
    }
}
