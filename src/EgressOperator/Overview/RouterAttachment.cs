using System.Collections.Immutable;
using EgressOperator.Objects;

namespace EgressOperator.Overview;

/// <summary>A pod with networks besides that of the cluster.</summary>
/// <param name="Node">Null: it has none yet.</param>
internal sealed record AttachedPod(string Namespace, string Name, string? Node, bool IsReady, ImmutableArray<AttachedNetwork> Networks)
{
    /// <summary>Null: it has the network of the cluster only.</summary>
    public static AttachedPod? Read(KubernetesObject source)
    {
        ImmutableArray<AttachedNetwork> networks = [.. AttachedNetwork.Of(source).Where(network => network.Name.Contains('/'))];
        return networks.IsEmpty ? null : new AttachedPod(
            PodReader.NamespaceOf(source), source.Name, source.Root["spec"]["nodeName"].Text(), source.HasCondition("Ready", "True"),
            networks);
    }
}

/// <summary>An interface that the plugin has made in a pod, with or without an EgressRouter.</summary>
internal sealed record RouterAttachment(AttachedPod Pod, AttachedNetwork Network)
{
    /// <summary>The name of the plugin.</summary>
    private const string Plugin = "egress-router";

    public string Key => $"{Pod.Namespace}/{Pod.Name}/{Network.Interface}";

    /// <param name="networks">The namespaces and names of the NetworkAttachmentDefinitions of the plugin.</param>
    public static ImmutableArray<RouterAttachment> Of(IEnumerable<AttachedPod?> pods, IEnumerable<string?> networks)
    {
        HashSet<string> own = [.. networks.OfType<string>()];
        return
        [
            .. pods.OfType<AttachedPod>().SelectMany(pod => pod.Networks.Select(network => new RouterAttachment(pod, network)))
                .Where(one => own.Contains(one.Network.Name)).DistinctBy(one => one.Key).OrderBy(one => one.Key, StringComparer.Ordinal),
        ];
    }

    /// <summary>The namespace and the name of a NetworkAttachmentDefinition; null: it is of another plugin.</summary>
    public static string? ReadNetwork(KubernetesObject source)
    {
        Field config = source.Root["spec"]["config"].Json();
        return config["plugins"].Items().Prepend(config).Any(plugin => plugin["type"].Text() == Plugin)
            ? $"{PodReader.NamespaceOf(source)}/{source.Name}" : null;
    }
}
