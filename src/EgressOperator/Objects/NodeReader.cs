using System.Collections.Immutable;
using System.Net;
using Cni;
using EgressIp;

namespace EgressOperator.Objects;

/// <summary>Reads nodes: their own object, and what the node's agent says in the EgressNode of the same name.</summary>
internal static class NodeReader
{
    public const string EgressNodeApiVersion = "egressip.egress-router-cni.io/v1alpha1";

    /// <param name="agent">The EgressNode; null if there is none. Its networks take the place of those of the annotations.</param>
    public static Node Read(KubernetesObject source, KubernetesObject? agent)
    {
        var annotations = new NodeAnnotations(source);
        ImmutableArray<NodeNetwork> networks =
            agent is null ? [] : [.. agent.Root["status"]["networks"].Items().Select(ReadNetwork)];
        IEnumerable<IPAddress> acknowledged =
            agent is null ? [] : agent.Root["status"]["egressIPs"].Items().Select(address => address.Address());
        return new Node(
            source.Name,
            source.Labels,
            source.Root["status"]["conditions"].Items().Any(
                condition => condition["type"].Text() == "Ready" && condition["status"].Text() == "True"),
            networks.IsEmpty ? annotations.Networks() : networks,
            annotations.Capacity(),
            [.. annotations.Held().Concat(acknowledged).Distinct()]);
    }

    /// <summary>The network of an address with its length, for example <c>192.168.126.12/24</c>.</summary>
    public static NodeNetwork NetworkOf(string link, Field address)
    {
        try
        {
            return NodeNetwork.Of(link, address.RequiredText());
        }
        catch (FormatException fault)
        {
            throw address.Fault(fault.Message);
        }
    }

    private static NodeNetwork ReadNetwork(Field network)
    {
        NodeNetwork read = NetworkOf(network["link"].RequiredText(), network["cidr"]);
        if (!read.Addresses[0].Equals(read.Cidr.BaseAddress))
        {
            throw network["cidr"].Fault($"{SafeText.Part(network["cidr"].Text())} is an address; its network is {read.Cidr}");
        }

        return read with
        {
            Addresses = [.. network["addresses"].Items().Select(address => read.Cidr.Contains(address.Address())
                ? address.Address()
                : throw address.Fault($"{address.Address()} is not in {read.Cidr}"))],
            Gateways = [.. network["gateways"].Items().Select(gateway => gateway.Address())],
        };
    }
}
