using System.Collections.Immutable;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>The kinds that serving EgressRouters needs.</summary>
internal static class RouterResources
{
    public static Resource EgressRouters { get; } = new("network.operator.openshift.io", "v1", "egressrouters", "EgressRouter");

    public static Resource Attachments { get; } =
        new("k8s.cni.cncf.io", "v1", "network-attachment-definitions", "NetworkAttachmentDefinition");

    public static Resource Deployments { get; } = new("apps", "v1", "deployments", "Deployment");

    /// <summary>Operators of OpenShift; the one of the network serves EgressRouters itself.</summary>
    public static Resource ClusterOperators { get; } = new("config.openshift.io", "v1", "clusteroperators", "ClusterOperator");

    /// <summary>What is made of an EgressRouter; the Deployment, which needs the attachment, last.</summary>
    public static ImmutableArray<Resource> Made { get; } = [Attachments, Resource.Services, Deployments];
}
