using YamlDotNet.RepresentationModel;
using static SystemTests.Packaging.Manifest;

namespace SystemTests.Packaging;

/// <summary>
/// The objects of packaging/operator agree with each other. ManifestsOnRealServerTests show that an API server accepts them.
/// </summary>
public class OperatorManifestTests
{
    private const string Roles = "packaging/operator/rbac.yaml";

    private static readonly YamlMappingNode _deployment = Assert.Single(Read("packaging/operator/deployment.yaml", "Deployment"));

    /// <summary>Every role has one binding, in its own namespace, and each is to the account of the pods and no other.</summary>
    [Fact]
    public void Roles_are_bound_to_the_account_of_the_Deployment()
    {
        string account = $"{Text(_deployment["spec"]["template"]["spec"]["serviceAccountName"])} in {NamespaceOf(_deployment)}";
        Assert.Equal(account, NameAndNamespace(Assert.Single(Read(Roles, "ServiceAccount"))["metadata"]));
        YamlMappingNode[] bindings = [.. Read(Roles, "RoleBinding"), .. Read(Roles, "ClusterRoleBinding")];
        Assert.All(bindings, binding => Assert.Equal(account, NameAndNamespace(Assert.Single(List(binding, "subjects")))));
        Assert.Equal(
            ((string[])["ClusterRole", "Role"]).SelectMany(
                kind => Read(Roles, kind).Select(role => (kind, NameAndNamespace(role["metadata"])))).Order(),
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

    /// <summary>The probes and Prometheus ask the port that the container lists.</summary>
    [Fact]
    public void One_port_serves_probes_and_metrics()
    {
        YamlNode template = _deployment["spec"]["template"];
        YamlNode container = Assert.Single(Containers(template["spec"]));
        string port = Text(Assert.Single(List(container, "ports"))["containerPort"]);
        Assert.Equal(port, Text(template["metadata"]["annotations"]["prometheus.io/port"]));
        Assert.Equal(("/healthz", port), Endpoint(container["livenessProbe"]));
        Assert.Equal(("/readyz", port), Endpoint(container["readinessProbe"]));
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
}
