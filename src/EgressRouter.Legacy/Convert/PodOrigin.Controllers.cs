using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Omits what controllers and admission plugins set in an object exported from a cluster: they set it again.</summary>
internal sealed partial class PodOrigin
{
    private const string ByController = "a controller sets it";

    /// <summary>Labels and annotations. A name that ends with '/' or '.' is a prefix.</summary>
    private static readonly (string Name, string Reason)[] _controllers =
    [
        ("kubectl.kubernetes.io/last-applied-configuration", "it describes the old object"),
        (NetworksAnnotation + "-status", "Multus writes it"),
        ("k8s.v1.cni.cncf.io/network-status", "Multus writes it"),
        ("k8s.ovn.org/", "the cluster network writes it"),
        ("cni.projectcalico.org/", "the cluster network writes it"),
        ("pod-template-hash", ByController),
        ("pod-template-generation", ByController),
        ("controller-revision-hash", ByController),
        ("controller-uid", ByController),
        ("job-name", ByController),
        ("batch.kubernetes.io/", ByController),
        ("statefulset.kubernetes.io/pod-name", ByController),
        ("apps.kubernetes.io/pod-index", ByController),
        ("deployment.kubernetes.io/", ByController),
        ("openshift.io/deployment.", ByController),
        ("openshift.io/deployment-config.", ByController),
        ("openshift.io/scc", ByServer),
        ("kubernetes.io/config.", "the kubelet sets it"),
    ];

    private KeyValuePair<YamlNode, YamlNode> WithoutControllers(KeyValuePair<YamlNode, YamlNode> member) =>
        Name(member.Key) is "labels" or "annotations" ? new(member.Key, WithoutControllers(member.Value)) : member;

    /// <summary>Returns labels or annotations without those that controllers set, which are noted.</summary>
    private YamlMappingNode WithoutControllers(YamlNode? labels, bool ofPod = false)
    {
        var kept = new YamlMappingNode { Style = (labels as YamlMappingNode)?.Style ?? default };
        foreach ((YamlNode key, YamlNode value) in Members(labels))
        {
            string name = Name(key);
            string? reason = _controllers.FirstOrDefault(known =>
                known.Name[^1] is '/' or '.' ? name.StartsWith(known.Name, StringComparison.Ordinal) : name == known.Name).Reason;
            if (name == MacvlanAnnotation)
            {
                reason = ofPod ? null : "it means something to a pod only";
            }

            if (reason is not null)
            {
                Say(key, name, reason);
            }
            else if (name != MacvlanAnnotation)
            {
                kept.Add(key, value);
            }
        }

        return kept;
    }

    /// <summary>Whether a volume is the service account token's, which the API server mounts into each container.</summary>
    private static bool IsOfToken(YamlNode volume) =>
        volume.Text("name") is string name
            && ((name.StartsWith("kube-api-access-", StringComparison.Ordinal) && volume.Child("projected") is not null)
            || (name.Contains("-token-", StringComparison.Ordinal) && volume.Text("secret", "secretName") == name));

    /// <summary>Returns a container without its mounts of token volumes.</summary>
    private YamlNode WithoutToken(YamlNode container, IReadOnlyCollection<string> tokens)
    {
        YamlNode[] mounts = [.. container.Items("volumeMounts").Where(mount => mount.Text("name") is string name && tokens.Contains(name))];
        foreach (YamlNode mount in mounts)
        {
            Say(mount, $"the mount of volume {mount.Text("name")}", ByServer);
        }

        return mounts.Length == 0 ? container
            : new YamlMappingNode(Members(container).Select(member => Name(member.Key) != "volumeMounts" ? member
            : new(member.Key, new YamlSequenceNode(container.Items("volumeMounts").Where(mount => !IsOneOf(mounts, mount))))));
    }
}
