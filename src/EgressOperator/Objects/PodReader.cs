using System.Collections.Immutable;
using System.Net;
using Cni;
using EgressIp;

namespace EgressOperator.Objects;

/// <summary>Reads pods and namespaces.</summary>
internal static class PodReader
{
    /// <summary>The label that the API server gives to each namespace: its name.</summary>
    private const string NameLabel = "kubernetes.io/metadata.name";

    /// <summary>On the API's image of a static pod: the UID by which the kubelet knows that one.</summary>
    private const string StaticPodAnnotation = "kubernetes.io/config.hash";

    /// <summary>Where kubectl puts objects that name no namespace.</summary>
    private const string DefaultNamespace = "default";

    public static Pod Read(KubernetesObject source)
    {
        Field status = source.Root["status"];
        return new Pod(
            NamespaceOf(source),
            source.Name,
            source.Labels,
            source.Root["spec"]["nodeName"].Text() is { Length: > 0 } node ? node : null,
            Addresses(status),
            source.Root["spec"]["hostNetwork"].IsTrue(),
            Phase(status["phase"]))
        {
            Uid = source.Annotation(StaticPodAnnotation).Text() ?? source.Root["metadata"]["uid"].Text() ?? "",
        };
    }

    public static Namespace ReadNamespace(KubernetesObject source) =>
        new(source.Name, new Dictionary<string, string>(source.Labels) { [NameLabel] = source.Name });

    /// <summary>The namespace of a pod.</summary>
    public static string NamespaceOf(KubernetesObject source) => source.Namespace ?? DefaultNamespace;

    private static ImmutableArray<IPAddress> Addresses(Field status) =>
        !status["podIPs"].IsMissing ? [.. status["podIPs"].Items().Select(item => item["ip"].Address())]
        : status["podIP"].Text() is { Length: > 0 } ? [status["podIP"].Address()]
        : [];

    private static PodPhase Phase(Field phase) => phase.Text() switch
    {
        null or "" or nameof(PodPhase.Pending) => PodPhase.Pending,
        nameof(PodPhase.Running) => PodPhase.Running,
        nameof(PodPhase.Succeeded) => PodPhase.Succeeded,
        nameof(PodPhase.Failed) => PodPhase.Failed,
        nameof(PodPhase.Unknown) => PodPhase.Unknown,
        string other => throw phase.Fault($"\"{SafeText.Part(other)}\" is none of {string.Join(", ", Enum.GetNames<PodPhase>())}"),
    };
}
