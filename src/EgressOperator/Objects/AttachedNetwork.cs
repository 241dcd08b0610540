using System.Collections.Immutable;
using System.Net;
using Cni;

namespace EgressOperator.Objects;

/// <summary>A network of a pod, by its network-status, which Multus writes ("Kubernetes Network Custom Resource Definition").</summary>
/// <param name="Name">The namespace and the name of the NetworkAttachmentDefinition; of the cluster's own network, any name.</param>
/// <param name="Interface">Such as <c>net1</c>.</param>
internal sealed record AttachedNetwork(string Name, string Interface, ImmutableArray<IPAddress> Addresses)
{
    private const string Annotation = "k8s.v1.cni.cncf.io/network-status";

    public static IEnumerable<AttachedNetwork> Of(KubernetesObject pod) => pod.Annotation(Annotation).Json().Items().Select(
        one => new AttachedNetwork(
            one["name"].Text() ?? "",
            one["interface"].Text() ?? "",
            [.. one["ips"].Items().Select(ip => StrictAddress.Parse(ip.Text())).OfType<IPAddress>()]));
}
