using System.Globalization;
using System.Text.RegularExpressions;
using Shared;
using YamlDotNet.RepresentationModel;
using static SystemTests.Packaging.Manifest;

namespace SystemTests.Packaging;

/// <summary>
/// The objects of packaging/operator agree with each other, and those of packaging/pair. ManifestsOnRealServerTests show that an API
/// server accepts the former.
/// </summary>
public partial class OperatorManifestTests
{
    private static readonly YamlMappingNode _deployment = Assert.Single(Read("packaging/operator/deployment.yaml", "Deployment"));

    private static readonly YamlMappingNode _agent = Assert.Single(Read("packaging/operator/agent.yaml", "DaemonSet"));

    /// <summary>Every role has one binding, in its own namespace, and each is to the account of the pods and no other.</summary>
    [Theory]
    [InlineData("packaging/operator/deployment.yaml", "Deployment", "packaging/operator/rbac.yaml")]
    [InlineData("packaging/operator/agent.yaml", "DaemonSet", "packaging/operator/agent-rbac.yaml")]
    [InlineData("packaging/pair/pair.yaml", "Deployment", "packaging/pair/pair.yaml")]
    public void Roles_are_bound_to_the_account_of_the_pods(string file, string kind, string roles)
    {
        YamlMappingNode workload = Assert.Single(Read(file, kind));
        string account = $"{Text(workload["spec"]["template"]["spec"]["serviceAccountName"])} in {NamespaceOf(workload)}";
        Assert.Equal(account, NameAndNamespace(Assert.Single(Read(roles, "ServiceAccount"))["metadata"]));
        YamlMappingNode[] bindings = [.. Read(roles, "RoleBinding"), .. Read(roles, "ClusterRoleBinding")];
        Assert.All(bindings, binding => Assert.Equal(account, NameAndNamespace(Assert.Single(List(binding, "subjects")))));
        Assert.Equal(
            ((string[])["ClusterRole", "Role"]).SelectMany(
                role => Read(roles, role).Select(one => (role, NameAndNamespace(one["metadata"])))).Order(),
            bindings.Select(binding => (Text(binding["roleRef"]["kind"]),
                $"{Text(binding["roleRef"]["name"])} in {NamespaceOf(binding)}")).Order());
    }

    [Fact]
    public void The_controller_is_an_ordinary_user_without_access_to_its_node()
    {
        YamlNode pod = _deployment["spec"]["template"]["spec"];
        Assert.Empty(List(pod, "volumes"));
        YamlNode context = Assert.Single(Containers(pod))["securityContext"];
        Assert.Equal(("true", "false", "true"),
            (Text(context["runAsNonRoot"]), Text(context["allowPrivilegeEscalation"]), Text(context["readOnlyRootFilesystem"])));
        Assert.Equal("ALL", Text(Assert.Single(List(context, "capabilities", "drop"))));
        Assert.Null(Child(context, "capabilities", "add"));
    }

    /// <summary>AgentPodTests show that the agent needs both capabilities, and no other.</summary>
    [Fact]
    public void The_agent_is_root_on_the_network_of_its_node_and_on_nothing_else()
    {
        YamlNode pod = _agent["spec"]["template"]["spec"];
        Assert.Equal("true", Text(pod["hostNetwork"]));
        Assert.Null(Child(pod, "hostPID"));
        Assert.Equal(
            "/run/egress-router-cni",
                Text(Assert.Single(List(pod, "volumes").Select(volume => Child(volume, "hostPath", "path")).OfType<YamlNode>())));
        YamlNode context = Assert.Single(Containers(pod))["securityContext"];
        Assert.Equal(("false", "false", "true"),
            (Text(context["privileged"]), Text(context["allowPrivilegeEscalation"]), Text(context["readOnlyRootFilesystem"])));
        Assert.Equal("ALL", Text(Assert.Single(List(context, "capabilities", "drop"))));
        Assert.Equal(["NET_ADMIN", "NET_RAW"], List(context, "capabilities", "add").Select(Text));
    }

    /// <summary>Every node has an agent, whatever its taints, and the kubelet ends it last.</summary>
    [Fact]
    public void The_agent_runs_on_every_node()
    {
        YamlNode pod = _agent["spec"]["template"]["spec"];
        YamlMappingNode toleration = (YamlMappingNode)Assert.Single(List(pod, "tolerations"));
        Assert.Equal([("operator", "Exists")], toleration.Children.Select(pair => (Text(pair.Key), Text(pair.Value))));
        Assert.Equal("system-node-critical", Text(pod["priorityClassName"]));
    }

    /// <summary>
    /// Also those that stand in a remark, for whoever needs them. The key is a file of the Secret, which need not be there.
    /// </summary>
    [Fact]
    public void The_arguments_of_the_agent_are_options_that_it_has()
    {
        string[] arguments = [.. File.ReadLines(Repository.PathOf("packaging", "operator", "agent.yaml"))
            .Select(line => Argument().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value)];
        Assert.Equal(["--node", "--exclude", "--heartbeat-key", "--audit"], arguments.Select(argument => argument.Split('=')[0]));
        string help = Command.Must(EgressIp.OperatorProcess.Program, ["agent", "--help"]);
        Assert.All(arguments, argument => Assert.Contains(argument.Split('=')[0] + "=", help, StringComparison.Ordinal));
        YamlNode pod = _agent["spec"]["template"]["spec"];
        string folder = Path.GetDirectoryName(arguments[2].Split('=')[1])!;
        YamlNode mount = List(Assert.Single(Containers(pod)), "volumeMounts").Single(mount => Text(mount["mountPath"]) == folder);
        YamlNode volume = List(pod, "volumes").Single(volume => Text(volume["name"]) == Text(mount["name"]));
        Assert.Equal("true", Text(volume["secret"]["optional"]));
    }

    /// <summary>An agent with <c>--drain</c> takes 20 s at most to give its addresses away.</summary>
    [Fact]
    public void The_kubelet_waits_for_a_drain()
    {
        string seconds = Text(_agent["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]);
        Assert.InRange(int.Parse(seconds, CultureInfo.InvariantCulture), 21, 60);
    }

    /// <summary>The probes and Prometheus ask the port that the container lists, and that is the program's own.</summary>
    [Theory]
    [InlineData("deployment.yaml", "Deployment")]
    [InlineData("agent.yaml", "DaemonSet")]
    public void One_port_serves_probes_and_metrics(string file, string kind)
    {
        YamlNode template = Assert.Single(Read("packaging/operator/" + file, kind))["spec"]["template"];
        YamlNode container = Assert.Single(Containers(template["spec"]));
        string port = Text(Assert.Single(List(container, "ports"))["containerPort"]);
        Assert.Equal(port, Text(template["metadata"]["annotations"]["prometheus.io/port"]));
        Assert.Equal(("/healthz", port), Endpoint(container["livenessProbe"]));
        Assert.Equal(("/readyz", port), Endpoint(container["readinessProbe"]));
        string help = Command.Must(EgressIp.OperatorProcess.Program, [Text(List(container, "args").First()), "--help"]);
        Assert.Matches($@"--port=PORT +\(Default: {port}\)", help);
    }

    [Theory]
    [InlineData("egressips")]
    [InlineData("egressnodes")]
    public void A_definition_fits_together(string plural)
    {
        YamlNode definition = Assert.Single(Read($"packaging/operator/crds/{plural}.yaml", "CustomResourceDefinition"));
        Assert.Equal(
            $"{Text(definition["spec"]["names"]["plural"])}.{Text(definition["spec"]["group"])}", Text(definition["metadata"]["name"]));
        YamlNode version = Assert.Single(List(definition, "spec", "versions"));
        Assert.Equal(("true", "true"), (Text(version["served"]), Text(version["storage"])));
        Assert.All(Schemas(version["schema"]["openAPIV3Schema"]), schema =>
        {
            IEnumerable<YamlNode> keys = Child(schema, "items") is YamlNode item
                ? List(schema, "x-kubernetes-list-map-keys").Select(key => item["properties"][key]) : [];
            Assert.All(keys, key => Assert.Equal("string", Text(key["type"])));
            Assert.All(List(schema, "required"), name => Assert.NotNull(Child(schema, "properties", Text(name))));
        });
    }

    /// <summary>The names on which OVN-Kubernetes' own clients rely.</summary>
    [Fact]
    public void EgressIP_is_that_of_OVN_Kubernetes()
    {
        YamlNode spec = Assert.Single(Read("packaging/operator/crds/egressips.yaml", "CustomResourceDefinition"))["spec"];
        YamlNode version = spec["versions"][0];
        Assert.Equal(("k8s.ovn.org", "Cluster", "EgressIP", "eip", "v1"),
            (Text(spec["group"]), Text(spec["scope"]), Text(spec["names"]["kind"]), Text(spec["names"]["shortNames"][0]),
                Text(version["name"])));
        Assert.Empty(((YamlMappingNode)version["subresources"]).Children);
        Assert.Equal(
            [("EgressIPs", ".spec.egressIPs[*]"), ("Assigned Node", ".status.items[*].node"),
                ("Assigned EgressIPs", ".status.items[*].egressIP")],
            List(version, "additionalPrinterColumns").Select(column => (Text(column["name"]), Text(column["jsonPath"]))));
    }

    private static (string Path, string Port) Endpoint(YamlNode probe) =>
        (Text(probe["httpGet"]["path"]), Text(probe["httpGet"]["port"]));

    private static string NameAndNamespace(YamlNode named) =>
        $"{Text(named["name"])} in {(Child(named, "namespace") is YamlNode given ? Text(given) : "all")}";

    private static string NamespaceOf(YamlNode document) =>
        Child(document, "metadata", "namespace") is YamlNode given ? Text(given) : "all";

    /// <summary>The schema and all that are in it.</summary>
    private static IEnumerable<YamlNode> Schemas(YamlNode schema) =>
        ((IEnumerable<YamlNode?>)[Child(schema, "items"), Child(schema, "additionalProperties")]).OfType<YamlNode>()
            .Concat(Child(schema, "properties") is YamlMappingNode properties ? properties.Children.Values : [])
            .SelectMany(Schemas).Prepend(schema);

    /// <summary>An option in the list of arguments, also behind <c>#</c>.</summary>
    [GeneratedRegex("^ *(?:# )?- (--[a-z-]+=.*)$")]
    private static partial Regex Argument();
}
