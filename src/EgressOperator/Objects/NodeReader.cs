using System.Collections.Immutable;
using System.Net;
using Cni;
using EgressIp;

namespace EgressOperator.Objects;

/// <summary>Reads nodes: their own object, and what the node's agent says in the EgressNode of the same name.</summary>
internal static class NodeReader
{
    public const string EgressNodeApiVersion = "egressip.egress-router-cni.io/v1alpha1";

    /// <summary>The Node itself. Networks and capacity are those of its annotations.</summary>
    public static Node Read(KubernetesObject source)
    {
        var annotations = new NodeAnnotations(source);
        return new Node(
            source.Name,
            source.Labels,
            source.HasCondition("Ready", "True"),
            annotations.Networks(),
            annotations.Capacity(),
            annotations.Held());
    }

    /// <summary>What the node's agent says, in the EgressNode of the same name.</summary>
    public static AgentReport ReadAgent(KubernetesObject source) => new(
        source.Name,
        [.. source.Root["status"]["networks"].Items().Select(ReadNetwork)],
        [.. source.Root["status"]["egressIPs"].Items().Select(address => address.Address())],
        [.. source.Root["status"]["conflicts"].Items().Select(
            conflict => new AddressConflict(conflict["egressIP"].Address(), conflict["mac"].RequiredText()))],
        !source.HasCondition("Reachable", "False"))
    {
        Taken = [.. source.Root["status"]["taken"].Items().Select(
            taken => new Takeover(taken["egressIP"].Address(), taken["from"].RequiredText()))],
        Missing = [.. source.Root["status"]["missing"].Items().Select(node => node.RequiredText())],
        Problems = [.. source.Root["status"]["conditions"].Items().Where(condition => condition["status"].Text() == "False")
            .Select(condition => condition["message"].Text()).OfType<string>()],
    };

    /// <summary>The addresses of a Node: those of the type InternalIP first.</summary>
    /// <param name="types">Of the addresses, in their order.</param>
    public static ImmutableArray<IPAddress> AddressesOf(KubernetesObject source, params string[] types) =>
        [.. source.Root["status"]["addresses"].Items()
            .Where(address => types.Contains(address["type"].Text()))
            .OrderBy(address => Array.IndexOf(types, address["type"].Text()))
            .Select(address => address["address"].Address()).Distinct()];

    /// <summary>The node as its agent sees it, if it has one.</summary>
    public static Node Merge(Node node, AgentReport? agent) => agent is null ? node : node with
    {
        Networks = agent.Networks.IsEmpty ? node.Networks : agent.Networks,
        Held = [.. node.Held.Concat(agent.Held).Distinct()],
        Conflicts = agent.Conflicts,
        Taken = agent.Taken,
    };

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

/// <summary>An EgressNode: what the agent of the node of this name has found and done.</summary>
/// <param name="Held">Egress addresses that the node's links have.</param>
/// <param name="Conflicts">Egress addresses that another machine of the network has.</param>
/// <param name="IsReachable">Whether other nodes reach this one.</param>
internal sealed record AgentReport(
    string Name,
    ImmutableArray<NodeNetwork> Networks,
    ImmutableArray<IPAddress> Held,
    ImmutableArray<AddressConflict> Conflicts,
    bool IsReachable)
{
    /// <summary>The held addresses that the node has taken from others that do not answer.</summary>
    public ImmutableArray<Takeover> Taken { get; init; } = [];

    /// <summary>Egress nodes that the node does not hear.</summary>
    public ImmutableArray<string> Missing { get; init; } = [];

    /// <summary>What is not as it should be on the node, in the agent's words.</summary>
    public ImmutableArray<string> Problems { get; init; } = [];
}
