using Shared;
using YamlDotNet.RepresentationModel;

namespace SystemTests.Packaging;

/// <summary>
/// The manifests, as far as that can be said without an API server: YAML with keys that Kubernetes knows, selectors that
/// select, volumes that exist, and no more privilege than the table here allows.
/// </summary>
public class ManifestTests
{
    /// <summary>The keys that our manifests use, by the kind of object they are in (Kubernetes API reference, v1.34).</summary>
    private static readonly Dictionary<string, string[]> _keys = new()
    {
        ["object"] = ["apiVersion", "kind", "metadata", "spec", "data"],
        ["metadata"] = ["name", "namespace", "labels", "annotations"],
        ["workload"] = ["replicas", "strategy", "updateStrategy", "selector", "template"],
        ["pod"] =
        [
            "automountServiceAccountToken", "priorityClassName", "nodeSelector", "tolerations", "terminationGracePeriodSeconds", "initContainers", "containers", "volumes",
            "securityContext", "dnsPolicy", "dnsConfig",
        ],
        ["container"] =
        [
            "name", "image", "imagePullPolicy", "command", "args", "env", "ports", "securityContext", "resources", "volumeMounts", "readinessProbe", "livenessProbe", "startupProbe",
        ],
        ["securityContext"] =
        [
            "runAsUser", "runAsGroup", "runAsNonRoot", "fsGroup", "privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities", "seccompProfile", "seLinuxOptions", "sysctls",
        ],
        ["service"] = ["selector", "ports", "type"],
    };

    public static TheoryData<string> Manifests() =>
    [
        .. Directory.GetFiles(Repository.PathOf("packaging", "manifests"), "*.yaml").Append(Repository.PathOf("packaging", "daemonset", "daemonset.yaml"))
            .Select(file => Path.GetRelativePath(Repository.Root, file)),
    ];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Objects_have_known_keys_and_fit_together(string manifest)
    {
        using StreamReader text = File.OpenText(Repository.PathOf(manifest));
        var stream = new YamlStream();
        stream.Load(text);
        foreach (YamlMappingNode document in stream.Documents.Select(document => (YamlMappingNode)document.RootNode))
        {
            AssertKeys(document, "object");
            AssertKeys(document["metadata"], "metadata");
            Assert.Matches("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", Text(document["metadata"]["name"]));
            switch (Text(document["kind"]))
            {
                case "Deployment" or "DaemonSet":
                    Assert.Equal("apps/v1", Text(document["apiVersion"]));
                    AssertWorkload((YamlMappingNode)document["spec"]);
                    break;
                case "Service":
                    Assert.Equal("v1", Text(document["apiVersion"]));
                    AssertKeys(document["spec"], "service");
                    // Of a workload in the same file.
                    Assert.Contains(stream.Documents, other => Child(other.RootNode, "spec", "selector", "matchLabels") is YamlNode labels && labels.Equals(document["spec"]["selector"]));
                    break;
                case "NetworkAttachmentDefinition":
                    Assert.Equal("k8s.cni.cncf.io/v1", Text(document["apiVersion"]));
                    break;
                case string kind:
                    Assert.Equal("ConfigMap", kind);
                    break;
            }
        }
    }

    /// <summary>The networks that pods name are defined beside them, and valid.</summary>
    [Theory]
    [MemberData(nameof(Manifests))]
    public void Networks_are_defined_and_valid(string manifest)
    {
        using StreamReader text = File.OpenText(Repository.PathOf(manifest));
        var stream = new YamlStream();
        stream.Load(text);
        string[] defined = [.. stream.Documents.Select(document => document.RootNode)
            .Where(node => Text(node["kind"]) == "NetworkAttachmentDefinition").Select(node => Text(node["metadata"]["name"]))];
        string[] wanted = [.. stream.Documents
            .Select(document => Child(document.RootNode, "spec", "template", "metadata", "annotations", "k8s.v1.cni.cncf.io/networks")).OfType<YamlNode>().Select(Text)];
        Assert.All(wanted, name => Assert.Contains(name, defined));
        // One mode runs on the interface of another plugin.
        if (File.ReadAllText(Repository.PathOf(manifest)).Contains("\"type\": \"egress-router\"", StringComparison.Ordinal))
        {
            CommandResult result = Command.Run(Lab.Plugin, ["validate", Repository.PathOf(manifest)]);
            Assert.True(result is { ExitCode: 0, Stderr: "" }, result.ToString());
        }
    }

    [Fact]
    public void The_DaemonSet_sees_one_folder_of_the_node_and_may_do_nothing_else()
    {
        using StreamReader text = File.OpenText(Repository.PathOf("packaging", "daemonset", "daemonset.yaml"));
        var stream = new YamlStream();
        stream.Load(text);
        YamlNode pod = stream.Documents.Single().RootNode["spec"]["template"]["spec"];
        Assert.Equal("false", Text(pod["automountServiceAccountToken"]));
        Assert.Equal("/opt/cni/bin", Text(Assert.Single((YamlSequenceNode)pod["volumes"])["hostPath"]["path"]));
        YamlNode context = Assert.Single((YamlSequenceNode)pod["containers"])["securityContext"];
        Assert.Equal(("false", "false", "true"), (Text(context["privileged"]), Text(context["allowPrivilegeEscalation"]), Text(context["readOnlyRootFilesystem"])));
        Assert.Equal("ALL", Text(Assert.Single((YamlSequenceNode)context["capabilities"]["drop"])));
        Assert.Null(Child(context, "capabilities", "add"));
    }

    /// <summary>kubectl apply -k reads it: the resources are there, and the image is that of the DaemonSet.</summary>
    [Fact]
    public void The_kustomization_names_what_there_is()
    {
        string folder = Repository.PathOf("packaging", "daemonset");
        using StreamReader text = File.OpenText(Path.Combine(folder, "kustomization.yaml"));
        var stream = new YamlStream();
        stream.Load(text);
        YamlNode root = stream.Documents.Single().RootNode;
        Assert.All((YamlSequenceNode)root["resources"], file => Assert.True(File.Exists(Path.Combine(folder, Text(file)))));
        string image = Text(Assert.Single((YamlSequenceNode)root["images"])["name"]);
        Assert.Contains($"image: {image}\n", File.ReadAllText(Path.Combine(folder, "daemonset.yaml")), StringComparison.Ordinal);
    }

    private static void AssertWorkload(YamlMappingNode spec)
    {
        AssertKeys(spec, "workload");
        AssertKeys(spec["template"]["metadata"], "metadata");
        Assert.Equal(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]);
        var pod = (YamlMappingNode)spec["template"]["spec"];
        AssertKeys(pod, "pod");
        string[] volumes = [.. (Child(pod, "volumes") as YamlSequenceNode ?? []).Select(volume => Text(volume["name"]))];
        foreach (YamlNode container in ((YamlSequenceNode)pod["containers"]).Concat(Child(pod, "initContainers") as YamlSequenceNode ?? []))
        {
            AssertKeys(container, "container");
            AssertKeys(container["securityContext"], "securityContext");
            Assert.All(Child(container, "volumeMounts") as YamlSequenceNode ?? [], mount => Assert.Contains(Text(mount["name"]), volumes));
        }
    }

    private static void AssertKeys(YamlNode node, string kind) =>
        Assert.All(((YamlMappingNode)node).Children.Keys, key => Assert.Contains(Text(key), _keys[kind]));

    private static YamlNode? Child(YamlNode node, params string[] path) =>
        path.Aggregate((YamlNode?)node, (child, key) => child is YamlMappingNode mapping && mapping.Children.TryGetValue(key, out YamlNode? value) ? value : null);

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value ?? "";
}
