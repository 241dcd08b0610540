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

    public static Resource ServiceAccounts { get; } = new("", "v1", "serviceaccounts", "ServiceAccount");

    public static Resource Roles { get; } = new("rbac.authorization.k8s.io", "v1", "roles", "Role");

    public static Resource RoleBindings { get; } = new("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding");

    /// <summary>What is made of an EgressRouter, in this order: those that need others last.</summary>
    public static ImmutableArray<Resource> Made { get; } =
        [Attachments, Resource.Services, ServiceAccounts, Roles, RoleBindings, Deployments];

    /// <summary>
    /// The API server refuses the binding of a Role that is not there, and a pod reads its attachment once, when it starts.
    /// </summary>
    public static ImmutableArray<Resource> NeedingOthers { get; } = [RoleBindings, Deployments];
}
