namespace Kubernetes;

/// <summary>A kind of objects, as the API serves it ("Kubernetes API Concepts", resource URIs).</summary>
/// <param name="Group">The API group; empty for the core group.</param>
/// <param name="Version">For example <c>v1</c>.</param>
/// <param name="Plural">The name in paths, for example <c>egressips</c>.</param>
/// <param name="Kind">The name in objects, for example <c>EgressIP</c>.</param>
public sealed record Resource(string Group, string Version, string Plural, string Kind)
{
    /// <summary>Node, v1.</summary>
    public static Resource Nodes { get; } = new("", "v1", "nodes", "Node");

    /// <summary>Namespace, v1.</summary>
    public static Resource Namespaces { get; } = new("", "v1", "namespaces", "Namespace");

    /// <summary>Pod, v1.</summary>
    public static Resource Pods { get; } = new("", "v1", "pods", "Pod");

    /// <summary>Service, v1.</summary>
    public static Resource Services { get; } = new("", "v1", "services", "Service");

    /// <summary>Event, v1.</summary>
    public static Resource Events { get; } = new("", "v1", "events", "Event");

    /// <summary>Secret, v1.</summary>
    public static Resource Secrets { get; } = new("", "v1", "secrets", "Secret");

    /// <summary>Lease, coordination.k8s.io/v1.</summary>
    public static Resource Leases { get; } = new("coordination.k8s.io", "v1", "leases", "Lease");

    /// <summary>What objects have as apiVersion.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>The path of the group and version, whose document lists the resources that the server has.</summary>
    internal string GroupPath => Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}";

    /// <summary>The path of the collection or of one object.</summary>
    /// <param name="space">The namespace; null for objects without one, and for the collection of all namespaces.</param>
    /// <param name="name">Null for the collection.</param>
    /// <param name="subresource">For example <c>status</c>; null for the object itself.</param>
    internal string PathOf(string? space, string? name = null, string? subresource = null) =>
        GroupPath
        + (space is null ? "" : $"/namespaces/{Uri.EscapeDataString(space)}")
        + $"/{Plural}"
        + (name is null ? "" : $"/{Uri.EscapeDataString(name)}")
        + (subresource is null ? "" : $"/{subresource}");
}

/// <summary>Which objects of a resource a list or a watch holds.</summary>
/// <param name="Namespace">Null: those of all namespaces.</param>
/// <param name="LabelSelector">For example <c>app=web</c>.</param>
/// <param name="FieldSelector">For example <c>spec.nodeName=node1</c>.</param>
public sealed record Selection(string? Namespace = null, string? LabelSelector = null, string? FieldSelector = null)
{
    /// <summary>All objects.</summary>
    public static Selection All { get; } = new();
}
