using System.Globalization;
using System.Text.Json.Nodes;
using Shared;
using YamlDotNet.RepresentationModel;
using static SystemTests.Packaging.Manifest;

namespace SystemTests.Packaging;

/// <summary>
/// The manifests, as far as that can be said without an API server: every key and value is one that Kubernetes knows, selectors
/// select, volumes exist, and there is no more privilege than the table here allows.
/// </summary>
public class ManifestTests
{
    public static TheoryData<string> Manifests() => [.. Packaged()];

    /// <summary>With what <c>convert</c> writes.</summary>
    public static TheoryData<string> Texts() =>
    [
        .. Packaged(),
        .. Files("testdata/legacy", "*.verified.txt").Where(
            file => File.ReadAllText(Repository.PathOf(file)).StartsWith("apiVersion:", StringComparison.Ordinal)),
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Keys_and_values_are_those_of_Kubernetes(string file) =>
        Assert.Empty(Schema.FaultsOf(File.ReadAllText(Repository.PathOf(file))));

    /// <summary>One thing wrong, at each depth and of each kind: exactly that is found.</summary>
    [Theory]
    [InlineData("manifests/router.yaml", "kind: Deployment", "kind: Deploiment", "Deploiment: ")]
    [InlineData("manifests/router.yaml", "apps/v1", "apps/v1beta1", "Deployment/apiVersion: ")]
    [InlineData("manifests/router.yaml", "config: '{", "configuration: '{",
        "NetworkAttachmentDefinition/spec: Required properties [\"config\"] are not present",
        "NetworkAttachmentDefinition/spec/configuration: unknown key")]
    [InlineData("manifests/router.yaml", "name: egress-router\nspec", "name: Egress_router\nspec",
        "NetworkAttachmentDefinition/metadata/name: ")]
    [InlineData("manifests/router.yaml", "replicas: 1", "replica: 1", "Deployment/spec/replica: unknown key")]
    [InlineData("manifests/router.yaml", "replicas: 1", "replicas: \"1\"", "Deployment/spec/replicas: ")]
    [InlineData("manifests/router.yaml", "type: Recreate", "type: Recreated", "Deployment/spec/strategy/type: ")]
    [InlineData("manifests/router.yaml", "matchLabels:", "matchLabel:",
        "Deployment/spec/selector: Required properties [\"matchLabels\"] are not present",
        "Deployment/spec/selector/matchLabel: unknown key")]
    [InlineData("manifests/router.yaml", "example.com/egress: \"true\"", "example.com/egress: true",
        "Deployment/spec/template/spec/nodeSelector/example.com~1egress: ")]
    [InlineData("manifests/router.yaml", "networks: egress-router", "networks: 3.10",
        "Deployment/spec/template/metadata/annotations/k8s.v1.cni.cncf.io~1networks: ")]
    [InlineData("manifests/router.yaml", "tolerationSeconds: 10", "tolerationSecond: 10",
        "Deployment/spec/template/spec/tolerations/0/tolerationSecond: unknown key")]
    [InlineData("manifests/router.yaml", "effect: NoExecute", "effect: noExecute",
        "Deployment/spec/template/spec/tolerations/0/effect: ")]
    [InlineData("manifests/router.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: \"false\"",
        "Deployment/spec/template/spec/automountServiceAccountToken: ")]
    [InlineData("manifests/router.yaml", "image: registry", "images: registry",
        "Deployment/spec/template/spec/containers/0: Required properties [\"image\"] are not present",
        "Deployment/spec/template/spec/containers/0/images: unknown key")]
    [InlineData("manifests/router.yaml", "runAsNonRoot", "runAsNoRoot",
        "Deployment/spec/template/spec/containers/0/securityContext/runAsNoRoot: unknown key")]
    [InlineData("manifests/router.yaml", "drop: [ALL]", "drop: ALL",
        "Deployment/spec/template/spec/containers/0/securityContext/capabilities/drop: ")]
    [InlineData("manifests/router.yaml", "drop: [ALL]", "drop: [all]",
        "Deployment/spec/template/spec/containers/0/securityContext/capabilities/drop/0: ")]
    [InlineData("manifests/router.yaml", "type: RuntimeDefault", "profile: RuntimeDefault",
        "containers/0/securityContext/seccompProfile: Required properties [\"type\"] are not present",
            "containers/0/securityContext/seccompProfile/profile: unknown key")]
    [InlineData("manifests/router.yaml", "memory: 16Mi", "memory: 16MB",
        "Deployment/spec/template/spec/containers/0/resources/limits/memory: ")]
    [InlineData("manifests/router.yaml", "port: 5432", "port: 65536", "Service/spec/ports/0/port: ")]
    [InlineData("manifests/init.yaml", "add: [NET_ADMIN, NET_RAW]", "added: [NET_ADMIN]",
        "Deployment/spec/template/spec/initContainers/0/securityContext/capabilities/added: unknown key")]
    [InlineData("manifests/init.yaml", "command: [/egress-routerctl, init]", "command: /egress-router",
        "Deployment/spec/template/spec/initContainers/0/command: ")]
    [InlineData("manifests/http-proxy.yaml", "periodSeconds", "period",
        "Deployment/spec/template/spec/containers/0/readinessProbe/period: unknown key")]
    [InlineData("manifests/http-proxy.yaml", "exec: { command", "exec: { commands",
        "readinessProbe/exec: Required properties [\"command\"] are not present",
        "readinessProbe/exec/commands: unknown key")]
    [InlineData("manifests/http-proxy.yaml", "medium: Memory", "medium: RAM",
        "Deployment/spec/template/spec/volumes/0/emptyDir/medium: ")]
    [InlineData("manifests/http-proxy.yaml", "mountPath", "path",
        "containers/0/volumeMounts/0: Required properties [\"mountPath\"] are not present",
        "containers/0/volumeMounts/0/path: unknown key")]
    [InlineData("manifests/http-proxy.yaml", "dnsPolicy: None", "dnsPolicy: null", "Deployment/spec/template/spec/dnsPolicy: ")]
    [InlineData("manifests/http-proxy.yaml", "nameservers: [\"192.168.12.53\"]", "nameservers: { first: 192.168.12.53 }",
        "Deployment/spec/template/spec/dnsConfig/nameservers: ")]
    [InlineData("manifests/dns-proxy.yaml", "value: \"0\"", "value: 0",
        "Deployment/spec/template/spec/securityContext/sysctls/0/value: ")]
    [InlineData("manifests/dns-proxy.yaml", "- name: EGRESS_DNS", "- key: EGRESS_DNS",
        "containers/0/env/0: Required properties [\"name\"] are not present",
        "containers/0/env/0/key: unknown key")]
    [InlineData("daemonset/daemonset.yaml", "maxUnavailable: 10%", "maxUnavailable: a few",
        "DaemonSet/spec/updateStrategy/rollingUpdate/maxUnavailable: ")]
    [InlineData("daemonset/daemonset.yaml", "runAsUser: 0", "runAsUser: root",
        "DaemonSet/spec/template/spec/containers/0/securityContext/runAsUser: ")]
    [InlineData("daemonset/daemonset.yaml", "type: Directory", "type: Folder",
        "DaemonSet/spec/template/spec/volumes/0/hostPath/type: ")]
    [InlineData("daemonset/kustomization.yaml", "newTag: 0.1.0", "newTag: 0.1", "Kustomization/images/0/newTag: ")]
    [InlineData("daemonset/kustomization.yaml", "resources:", "bases:",
        "Kustomization: Required properties [\"resources\"] are not present",
        "Kustomization/bases: unknown key")]
    [InlineData("operator/rbac.yaml", "kind: ClusterRole\n", "kind: ClusterRoles\n", "ClusterRoles: ")]
    [InlineData("operator/rbac.yaml", "verbs: [patch]", "verbs: [\"*\"]", "ClusterRole/rules/1/verbs/0: ")]
    [InlineData("operator/rbac.yaml", "resources: [egressips/status]", "resource: [egressips/status]",
        "ClusterRole/rules/1: Required properties [\"resources\"] are not present", "ClusterRole/rules/1/resource: unknown key")]
    [InlineData("operator/rbac.yaml", "resourceNames: [egress-operator]", "resourceNames: []", "Role/rules/1/resourceNames: ")]
    [InlineData("operator/rbac.yaml", "  - kind: ServiceAccount", "  - kind: Account", "ClusterRoleBinding/subjects/0/kind: ")]
    [InlineData("operator/deployment.yaml", "serviceAccountName", "serviceAccount",
        "Deployment/spec/template/spec/serviceAccount: unknown key")]
    [InlineData("operator/deployment.yaml", "maxSkew: 1", "maxSkew: 0",
        "Deployment/spec/template/spec/topologySpreadConstraints/0/maxSkew: ")]
    [InlineData("operator/deployment.yaml", "port: 9440 }", "port: metrics }",
        "Deployment/spec/template/spec/containers/0/livenessProbe/httpGet/port: ")]
    [InlineData("operator/deployment.yaml", "policy/v1", "policy/v1beta1", "PodDisruptionBudget/apiVersion: ")]
    [InlineData("operator/agent.yaml", "hostNetwork: true", "hostNetwork: \"true\"", "DaemonSet/spec/template/spec/hostNetwork: ")]
    [InlineData("operator/agent.yaml", "fieldPath: spec.nodeName", "fieldPath: spec.node",
        "containers/0/env/0/valueFrom/fieldRef/fieldPath: ")]
    [InlineData("operator/agent.yaml", "add: [NET_ADMIN, NET_RAW]", "add: [SYS_ADMIN]", "securityContext/capabilities/add/0: ")]
    [InlineData("operator/agent.yaml", "optional: true", "optionally: true", "volumes/1/secret/optionally: unknown key")]
    [InlineData("pair/pair.yaml", "maxSurge: 0", "maxSurge: none", "Deployment/spec/strategy/rollingUpdate/maxSurge: ")]
    [InlineData("pair/pair.yaml", "verbs: [get, update]", "verbs: [get, updates]", "Role/rules/1/verbs/1: ")]
    [InlineData("operator/crds/egressnodes.yaml", "status: {}", "state: {}",
        "CustomResourceDefinition/spec/versions/0/subresources/state: unknown key")]
    [InlineData("operator/crds/egressnodes.yaml", "jsonPath: .status.egressIPs", "jsonPath: status.egressIPs",
        "CustomResourceDefinition/spec/versions/0/additionalPrinterColumns/0/jsonPath: ")]
    [InlineData("operator/crds/egressnodes.yaml", "link: { description: The network interface., type: string }", "link: {}",
        "properties/status/properties/networks/items/properties/link: Required properties [\"type\"] are not present")]
    [InlineData("operator/crds/egressnodes.yaml", "x-kubernetes-list-type: atomic\n", "\n",
        "openAPIV3Schema/properties/status/properties/networks: ")]
    public void A_fault_is_found(string file, string right, string wrong, params string[] faults)
    {
        string text = File.ReadAllText(Repository.PathOf("packaging", file));
        int at = text.IndexOf(right, StringComparison.Ordinal);
        Assert.True(at >= 0, $"{file} has no {right}");
        string[] found = Schema.FaultsOf(string.Concat(text.AsSpan(0, at), wrong, text.AsSpan(at + right.Length)));
        Assert.True(
            found.Length == faults.Length && faults.All(fault => found.Any(one => one.Contains(fault, StringComparison.Ordinal))),
            string.Join('\n', found));
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Objects_fit_together(string manifest)
    {
        YamlMappingNode[] documents = Parse(File.ReadAllText(Repository.PathOf(manifest)));
        YamlNode[] workloads = [.. documents.Select(document => Child(document, "spec", "template")).OfType<YamlNode>()];
        foreach (YamlMappingNode document in documents)
        {
            // A selector, of a Service or of a workload itself, is of a workload in the same file.
            if ((Child(document, "spec", "selector", "matchLabels") ?? Child(document, "spec", "selector")) is YamlNode selector)
            {
                Assert.Contains(workloads, workload => workload["metadata"]["labels"].Equals(selector));
            }
        }

        foreach (YamlNode pod in workloads.Select(workload => workload["spec"]))
        {
            string[] mounted = [.. Containers(pod).SelectMany(container => List(container, "volumeMounts"))
                .Select(mount => Text(mount["name"])).Distinct().Order()];
            Assert.Equal(List(pod, "volumes").Select(volume => Text(volume["name"])).Order(), mounted);
            Assert.All(Containers(pod), container => Assert.NotNull(Child(container, "securityContext")));
        }
    }

    /// <summary>Clients come by the Service: its ports are those that the lists redirect, or at which the HTTP proxy listens.</summary>
    [Theory]
    [InlineData("router.yaml")]
    [InlineData("init.yaml")]
    [InlineData("http-proxy.yaml")]
    [InlineData("dns-proxy.yaml")]
    public void The_ports_of_the_Service_are_served(string manifest)
    {
        string file = Path.Combine("packaging", "manifests", manifest);
        Dictionary<string, string> environment = Manifest.EnvironmentOf(manifest);
        JsonNode? destinations = JsonNode.Parse(
            Text(Assert.Single(Read(file, "NetworkAttachmentDefinition"))["spec"]["config"]))!["ip"]?["destinations"];
        string[] lines =
        [
            .. destinations?.AsArray().Select(destination => (string)destination!) ?? [],
            .. environment.Where(
                variable => variable.Key is "EGRESS_DESTINATION" or "EGRESS_DNS_PROXY_DESTINATION")
                    .SelectMany(variable => variable.Value.Split('\n')),
            .. environment.ContainsKey("EGRESS_HTTP_PROXY_DESTINATION") ? (string[])["8080"] : [],
        ];
        string[] served = [.. lines.Select(line => line.Trim().Split(' ')[0])
            .Where(word => ushort.TryParse(word, CultureInfo.InvariantCulture, out _)).Order()];
        Assert.NotEmpty(served);
        Assert.Equal(served, List(Assert.Single(Read(file, "Service")), "spec", "ports").Select(port => Text(port["port"])).Order());
    }

    /// <summary>The networks that pods name are defined beside them, and valid.</summary>
    [Theory]
    [MemberData(nameof(Manifests))]
    public void Networks_are_defined_and_valid(string manifest)
    {
        YamlMappingNode[] documents = Parse(File.ReadAllText(Repository.PathOf(manifest)));
        YamlMappingNode[] networks = [.. documents.Where(document => Text(document["kind"]) == "NetworkAttachmentDefinition")];
        string[] wanted = [.. documents.Select(document => Child(document, "spec", "template", "metadata", "annotations",
            "k8s.v1.cni.cncf.io/networks")).OfType<YamlNode>().Select(Text)];
        Assert.Equal(networks.Select(network => Text(network["metadata"]["name"])), wanted);
        // One mode runs on the interface of another plugin: InitTests has it made.
        if (networks.Any(network => Text(network["spec"]["config"]).Contains("\"type\": \"egress-router\"", StringComparison.Ordinal)))
        {
            CommandResult result = Command.Run(Lab.Ctl, ["validate", Repository.PathOf(manifest)]);
            Assert.True(result is { ExitCode: 0, Stdout: "the configuration is valid\n", Stderr: "" }, result.ToString());
        }
    }

    [Fact]
    public void The_DaemonSet_sees_one_folder_of_the_node_and_may_do_nothing_else()
    {
        YamlNode pod = Assert.Single(Read("packaging/daemonset/daemonset.yaml", "DaemonSet"))["spec"]["template"]["spec"];
        Assert.Equal("false", Text(pod["automountServiceAccountToken"]));
        Assert.Equal("/opt/cni/bin", Text(Assert.Single(List(pod, "volumes"))["hostPath"]["path"]));
        YamlNode context = Assert.Single(Containers(pod))["securityContext"];
        Assert.Equal(("false", "false", "true"),
            (Text(context["privileged"]), Text(context["allowPrivilegeEscalation"]), Text(context["readOnlyRootFilesystem"])));
        Assert.Equal("ALL", Text(Assert.Single(List(context, "capabilities", "drop"))));
        Assert.Null(Child(context, "capabilities", "add"));
    }

    /// <summary>kubectl apply -k reads it: the resources are all that there is, and the image is that of the workload.</summary>
    [Theory]
    [InlineData("packaging/daemonset", "DaemonSet")]
    [InlineData("packaging/operator", "Deployment")]
    [InlineData("packaging/operator", "DaemonSet")]
    public void The_kustomization_names_what_there_is(string folder, string workload)
    {
        YamlNode root = Assert.Single(Read($"{folder}/kustomization.yaml", "Kustomization"));
        string[] resources = [.. List(root, "resources").Select(file => $"{folder}/{Text(file)}")];
        Assert.Equal(
            Packaged().Where(file => file.StartsWith(folder + "/", StringComparison.Ordinal)).Except([$"{folder}/kustomization.yaml"]),
            resources.Order(StringComparer.Ordinal));
        YamlNode pod = Assert.Single(resources.SelectMany(file => Read(file, workload)))["spec"]["template"]["spec"];
        Assert.Equal(
            Containers(pod).Select(container => Text(container["image"])), List(root, "images").Select(image => Text(image["name"])));
    }

    /// <summary>
    /// All but what is not for the API server: what describes clusters (EgressOperator.Tests reads it), and what is for Prometheus
    /// (MonitoringTests read it).
    /// </summary>
    private static IEnumerable<string> Packaged() => Files("packaging", "*.yaml").Where(file =>
        !file.StartsWith("packaging/operator/examples/", StringComparison.Ordinal)
        && !file.StartsWith("packaging/monitoring/", StringComparison.Ordinal));

    private static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.GetFiles(
            Repository.PathOf(folder), pattern,
            SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Repository.Root, file)).Order(StringComparer.Ordinal);
}
