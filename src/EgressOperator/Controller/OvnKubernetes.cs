using EgressRouter.Tools;

namespace EgressOperator.Controller;

/// <summary>Where OVN-Kubernetes is the cluster network, EgressIPs are its own: two programs must not assign them.</summary>
internal static class OvnKubernetes
{
    /// <exception cref="UsageException">OVN-Kubernetes runs in the cluster.</exception>
    public static void Refuse(ClusterCache cache)
    {
        if (cache.NodeOfOvnKubernetes is string node)
        {
            throw new UsageException(
                $"OVN-Kubernetes manages EgressIP in this cluster (node {node} has the annotation k8s.ovn.org/node-chassis-id): "
                + "start with --egress-ip=false");
        }
    }
}
