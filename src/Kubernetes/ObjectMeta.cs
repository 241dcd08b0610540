using System.Text.Json;

namespace Kubernetes;

/// <summary>What identifies an object and its state ("Kubernetes API Concepts": resource versions).</summary>
/// <param name="Namespace">Null for objects without one.</param>
/// <param name="Uid">Another for each object that ever had the name.</param>
/// <param name="ResourceVersion">Another for each change of the object.</param>
public sealed record ObjectMeta(string? Namespace, string Name, string Uid, string ResourceVersion)
{
    /// <summary>The name within all namespaces, as kubectl writes it.</summary>
    public string Key => Namespace is null ? Name : $"{Namespace}/{Name}";

    /// <summary>Reads the metadata of an object.</summary>
    /// <exception cref="ApiException">The object has none: the answer is not one of a Kubernetes API.</exception>
    public static ObjectMeta Of(JsonElement source) =>
        source.Object("metadata") is JsonElement metadata && metadata.Text("name") is string name
            ? new ObjectMeta(metadata.Text("namespace"), name, metadata.Text("uid") ?? "", metadata.Text("resourceVersion") ?? "")
            : throw ApiException.Malformed("an object without metadata.name");

    /// <summary>Whether this is a later state than another of the same object.</summary>
    /// <remarks>Of a server whose versions are no numbers, every state counts as later.</remarks>
    internal bool IsNewerThan(ObjectMeta other) => CompareVersions(ResourceVersion, other.ResourceVersion) is null or > 0;

    /// <summary>The order of two resource versions (KEP-5504); null if they are no numbers.</summary>
    internal static int? CompareVersions(string one, string other) =>
        ulong.TryParse(one, out ulong left) && ulong.TryParse(other, out ulong right) ? left.CompareTo(right) : null;
}
