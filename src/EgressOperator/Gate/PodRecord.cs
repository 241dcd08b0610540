using System.Collections.Immutable;
using System.Net;
using EgressIp;

namespace EgressOperator.Gate;

/// <summary>What the runtime has said of the network of a pod of this node, by CNI's ADD and DEL.</summary>
/// <param name="Container">The container ID of the pod's sandbox.</param>
/// <param name="Addresses">The pod's addresses; none after DEL.</param>
/// <param name="Before">The addresses that the API had for the pod then.</param>
internal sealed record PodRecord(
    string Container, string Namespace, string Name, string Uid, ImmutableArray<IPAddress> Addresses, ImmutableArray<IPAddress> Before)
{
    /// <summary>What tells the pods of a cluster apart at one time.</summary>
    public (string, string) Key => (Namespace, Name);

    public static (string, string) KeyOf(Pod pod) => (pod.Namespace, pod.Name);

    public bool IsOf(Pod pod) => pod.Uid == Uid && pod.Name == Name && pod.Namespace == Namespace;

    /// <summary>The pod's addresses: as the runtime has said, until the API says something new.</summary>
    public ImmutableArray<IPAddress> AddressesOf(Pod pod) => pod.IPs.ToHashSet().SetEquals(Before) ? Addresses : pod.IPs;
}
