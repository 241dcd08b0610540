using System.Collections.Immutable;
using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>
/// The rest of a legacy router's object: every member is carried over unchanged, or noted with the reason why it is not.
/// </summary>
internal sealed partial class PodOrigin
{
    public const string MacvlanAnnotation = "pod.network.openshift.io/assign-macvlan";

    public const string NetworksAnnotation = "k8s.v1.cni.cncf.io/networks";

    private const string ByServer = "the API server sets it";

    /// <summary>The members of a Deployment's specification that are carried over unchanged.</summary>
    private static readonly string[] _deploymentMembers = ["minReadySeconds", "paused", "progressDeadlineSeconds", "revisionHistoryLimit"];

    private readonly List<LegacyFault> _notes = [];

    private readonly List<(int Line, string Text)> _replaced = [];

    /// <summary>The members that are not carried over, with reasons.</summary>
    public IReadOnlyList<LegacyFault> Notes => _notes;

    /// <summary>The replaced legacy containers: line, and name with image.</summary>
    public IReadOnlyList<(int Line, string Text)> Replaced => _replaced;

    /// <summary>The members of the Deployment's metadata, of its specification, and of its pods' specification and metadata.</summary>
    public List<KeyValuePair<YamlNode, YamlNode>> Metadata { get; } = [];

    public List<KeyValuePair<YamlNode, YamlNode>> Deployment { get; } = [];

    public List<KeyValuePair<YamlNode, YamlNode>> PodSpec { get; } = [];

    public YamlMappingNode Labels { get; private set; } = [];

    public YamlMappingNode Annotations { get; private set; } = [];

    /// <summary>The Deployment's selector, or null for the pods with its labels.</summary>
    public YamlNode? Selector { get; private set; }

    /// <summary>The pod's other networks, in the format of their annotation.</summary>
    public string? Networks { get; private set; }

    /// <summary>The members of the legacy container that its replacement keeps, or null if it is not replaced.</summary>
    public List<KeyValuePair<YamlNode, YamlNode>>? Container { get; private set; }

    public string? ContainerName { get; private set; }

    public ImmutableArray<YamlNode> InitContainers { get; private set; } = [];

    public ImmutableArray<YamlNode> Containers { get; private set; } = [];

    public ImmutableArray<YamlNode> Volumes { get; private set; } = [];

    /// <summary>The Services of the same file that select the pod, except those that are written with another router.</summary>
    public ImmutableArray<YamlMappingNode> Services { get; private set; } = [];

    /// <summary>Whether a Service of the same file selects the pod, which then needs none of its own.</summary>
    public bool HasService { get; set; }

    /// <summary>Reads the rest of a router's object.</summary>
    /// <param name="pod">The pod or the pod template: the object itself or a part of it.</param>
    /// <param name="legacy">The router's containers, the proxy's last.</param>
    /// <param name="proxy">The router's proxy, or null.</param>
    public static PodOrigin Read(YamlNode document, YamlNode pod, IReadOnlyList<YamlNode> legacy, LegacyProxy? proxy)
    {
        bool isPod = ReferenceEquals(document, pod);
        PodOrigin origin = ReadObject(document, isPod);
        if (!isPod)
        {
            origin.ReadSpecification(document);
            foreach ((YamlNode key, YamlNode value) in Members(pod))
            {
                origin.Note(key, value, "a template has no such member", "metadata", "spec");
            }

            origin.ReadTemplateMetadata(pod.Child("metadata"));
        }

        origin.ReadPod(pod.Child("spec"), legacy, proxy);
        return origin;
    }

    /// <summary>Reads an object without its specification.</summary>
    public static PodOrigin ReadObject(YamlNode document, bool isPod = false)
    {
        var origin = new PodOrigin();
        foreach ((YamlNode key, YamlNode value) in Members(document))
        {
            origin.Note(
                key, value, Name(key) == "status" ? ByServer : $"a {document.Text("kind")} has no such member", "apiVersion", "kind",
                "metadata", "spec");
        }

        origin.ReadMetadata(document.Child("metadata"), isPod);
        return origin;
    }

    /// <summary>Adds a Service that selects the pod, without what the API server set in it.</summary>
    /// <param name="space">The router's namespace, for a Service that has none.</param>
    public void Take(YamlNode service, string? space)
    {
        var kept = new YamlMappingNode();
        foreach ((YamlNode key, YamlNode value) in Members(service))
        {
            if (Name(key) == "metadata")
            {
                var metadata = new YamlMappingNode(
                    Members(value).Where(member => IsOwn(member.Key, member.Value)).Select(WithoutControllers));
                if (space is not null && value.Text("namespace") is null)
                {
                    metadata.Children["namespace"] = new YamlScalarNode(space) { Style = YamlDotNet.Core.ScalarStyle.DoubleQuoted };
                }

                kept.Add(key, metadata);
            }
            else if (Name(key) != "status")
            {
                kept.Add(key, value);
            }
            else
            {
                Say(key, "status", ByServer);
            }
        }

        Services = Services.Add(kept);
    }

    private static string Name(YamlNode key) => ((YamlScalarNode)key).Value ?? "";

    private static IEnumerable<KeyValuePair<YamlNode, YamlNode>> Members(YamlNode? node) =>
        (node as YamlMappingNode)?.Children.AsEnumerable() ?? [];

    /// <summary>Compares by reference: YAML nodes with the same content are equal.</summary>
    private static bool IsOneOf(IReadOnlyList<YamlNode> nodes, YamlNode node) => nodes.Any(other => ReferenceEquals(other, node));

    internal static bool IsNothing(YamlNode value) =>
        value is YamlScalarNode { Value: null or "" or "~" or "null", Style: YamlDotNet.Core.ScalarStyle.Plain };

    private void Say(YamlNode key, string what, string reason) =>
        _notes.Add(new LegacyFault(key.Line(), $"{what} is not carried over: {reason}"));

    /// <summary>Notes a member, unless it is one of those read elsewhere.</summary>
    private void Note(YamlNode key, YamlNode value, string reason, params ReadOnlySpan<string> elsewhere)
    {
        if (!elsewhere.Contains(Name(key)) && !IsNothing(value))
        {
            Say(key, Name(key), reason);
        }
    }

    /// <summary>Whether a member of metadata is the owner's; a member that the API server sets is noted.</summary>
    private bool IsOwn(YamlNode key, YamlNode value)
    {
        bool isOwn = Name(key) is "name" or "namespace" or "labels" or "annotations" or "finalizers";
        Note(key, value, ByServer, "name", "namespace", "labels", "annotations", "finalizers");
        return isOwn;
    }

    private void ReadMetadata(YamlNode? metadata, bool isPod)
    {
        foreach ((YamlNode key, YamlNode value) in Members(metadata))
        {
            switch (Name(key))
            {
                case "name" or "namespace": break;
                case "labels" when isPod: Labels = WithoutControllers(value); break;
                case "annotations" when isPod: ReadAnnotations(value); break;
                case "labels" or "annotations": Metadata.Add(WithoutControllers(new(key, value))); break;
                case "finalizers": Note(key, value, "who waits for the end of the old object does not know the new one"); break;
                case "ownerReferences": Note(key, value, "its owner would make the old one again"); break;
                default: Note(key, value, ByServer); break;
            }
        }
    }

    private void ReadTemplateMetadata(YamlNode? metadata)
    {
        foreach ((YamlNode key, YamlNode value) in Members(metadata))
        {
            switch (Name(key))
            {
                case "labels": Labels = WithoutControllers(value); break;
                case "annotations": ReadAnnotations(value); break;
                default: Note(key, value, "pods of a Deployment have their own"); break;
            }
        }
    }

    private void ReadAnnotations(YamlNode annotations)
    {
        Networks = annotations.Text(NetworksAnnotation);
        Annotations = new YamlMappingNode(
            WithoutControllers(annotations, ofPod: true).Children.Where(member => Name(member.Key) != NetworksAnnotation));
    }

    private void ReadSpecification(YamlNode document)
    {
        bool isDeployment = document.Text("kind") == "Deployment";
        foreach ((YamlNode key, YamlNode value) in Members(document.Child("spec")))
        {
            string name = Name(key);
            switch (name)
            {
                case "template": break;
                case "selector": Selector = ReadSelector(value); break;
                case "replicas" when (value as YamlScalarNode)?.Value == "1": break;
                case "replicas": Note(key, value, "an egress address has one holder"); break;
                case "strategy" when isDeployment && value.Text("type") == "Recreate": break;
                case "strategy":
                    Note(
                    key, value, "it is Recreate, or the old router has the address still when the new one is made"); break;
                case var known when _deploymentMembers.Contains(known): Deployment.Add(new(key, value)); break;
                default: Note(key, value, "a Deployment has no such member"); break;
            }
        }
    }

    /// <summary>Returns the selector in a Deployment's form, or null if nothing is left of it.</summary>
    private YamlMappingNode? ReadSelector(YamlNode selector)
    {
        bool isOfLabels = selector.Child("matchLabels") is null && selector.Child("matchExpressions") is null;
        YamlMappingNode labels = WithoutControllers(isOfLabels ? selector : selector.Child("matchLabels"));
        IEnumerable<KeyValuePair<YamlNode, YamlNode>> others = isOfLabels ? []
            : Members(selector).Where(member => Name(member.Key) != "matchLabels" && !IsNothing(member.Value));
        var read = new YamlMappingNode(others);
        if (labels.Children.Count > 0)
        {
            read.Add("matchLabels", labels);
        }

        return read.Children.Count > 0 ? read : null;
    }
}
