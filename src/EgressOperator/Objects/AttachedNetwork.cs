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

    /// <summary>The most networks of a pod, and addresses of a network. Whoever may write a pod may write any number.</summary>
    private const int Most = 64;

    public static IEnumerable<AttachedNetwork> Of(KubernetesObject pod) => Items(pod.Annotation(Annotation).Json()).Select(
        one => new AttachedNetwork(
            one["name"].Text() ?? "",
            one["interface"].Text() ?? "",
            [.. Items(one["ips"]).Select(ip => StrictAddress.Parse(ip.Text())).OfType<IPAddress>()]));

    private static Field[] Items(Field list)
    {
        Field[] items = [.. list.Items().Take(Most + 1)];
        return items.Length <= Most ? items : throw list.Fault($"has more than {Most} items");
    }
}
