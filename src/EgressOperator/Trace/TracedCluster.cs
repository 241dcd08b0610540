using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using EgressIp;
using EgressOperator.Agent;
using EgressOperator.Controller;
using EgressRouter.Tools;
using Netlink.NetFilter;
using Settings = EgressDataPath.Settings;

namespace EgressOperator.Trace;

/// <summary>What the API says.</summary>
/// <param name="Table">The table that the node is to have. What the agent's option --exclude names is missing there.</param>
/// <param name="Assignment">Tells why an address has no node.</param>
internal sealed record TracedCluster(string Node, Cluster Cluster, ClusterView View, Table Table, Assignment Assignment)
{
    /// <param name="networks">Those of the node.</param>
    /// <exception cref="UsageException">There is no such node.</exception>
    public static TracedCluster Of(ClusterCache cache, string node, NodeNetworks networks)
    {
        WatchedEgressIP[] watched = [.. cache.EgressIPs.Objects.OfType<WatchedEgressIP>()];
        return Of(cache.Snapshot(watched.Select(one => one.Source)), watched, cache.Nodes, cache.Agents.ToDictionary(
            agent => agent.Key, agent => HeartbeatPeers.InApi(agent.Value)), node, networks);
    }

    public static TracedCluster Of(
        Cluster cluster, WatchedEgressIP[] watched, IReadOnlyDictionary<string, WatchedNode> nodes,
        IReadOnlyDictionary<string, ImmutableArray<HeldBy>> holdings, string node, NodeNetworks networks)
    {
        if (!nodes.ContainsKey(node))
        {
            throw new UsageException($"--node {node}: the cluster has no Node of that name");
        }

        var nobody = new HashSet<string>();
        var view = ClusterView.Of(
            cluster, watched.ToDictionary(one => one.Source.Name), nodes, new PeerView(holdings, nobody, nobody));
        HashSet<IPAddress> held = [.. view.Objects.SelectMany(served => served.Addresses).Where(address => address.Holder == node)
            .Select(address => address.Address)];
        var settings = new Settings();
        Duties duties = new DutiesOfNode(node, []).Of(view, networks, held);
        // Neither numbers nor sizes are compared.
        const int anyMtu = 1500;
        Table table = EgressTable.Build(duties, settings, new NodeNumbers(settings), anyMtu);
        return new TracedCluster(node, cluster, view, table, Assignment.Of(cluster));
    }

    /// <summary>The pod that the user means.</summary>
    /// <param name="text">NAMESPACE/NAME, or an address.</param>
    /// <exception cref="UsageException">There is none, or it is not on this node.</exception>
    public Pod FindPod(string text)
    {
        IPAddress? address = Cni.StrictAddress.Parse(text);
        // Pods in the network of the host all have its address.
        Pod pod = Cluster.Pods.OrderBy(pod => pod.HostNetwork).FirstOrDefault(pod => address is null
            ? $"{pod.Namespace}/{pod.Name}" == text : !pod.HostNetwork && pod.IPs.Contains(address))
            ?? throw new UsageException(address is null
                ? text.Count(letter => letter == '/') == 1 ? $"the cluster has no pod {text}, or it has ended"
                    : $"POD {text}: it must be NAMESPACE/NAME, or an address"
                : $"no pod has the address {text}");
        return pod.Node == Node ? pod : throw new UsageException(pod.Node is null
            ? $"pod {pod.Namespace}/{pod.Name} has no node yet"
            : $"pod {pod.Namespace}/{pod.Name} is on node {pod.Node}, whose kernel decides: trace it there, with --node {pod.Node}");
    }

    /// <summary>The EgressIP that the pod belongs to; null: none.</summary>
    public ViewedObject? OwnerOf(Pod pod) =>
        View.Objects.FirstOrDefault(served => served.Members.Any(member => (member.Namespace, member.Name) == (pod.Namespace, pod.Name)));

    /// <summary>Why the pod belongs to an EgressIP, or to none.</summary>
    public string Selection(Pod pod)
    {
        Namespace? space = Cluster.Namespaces.FirstOrDefault(one => one.Name == pod.Namespace);
        string[] selecting = [.. View.Objects.Where(one => space is not null && one.Source.Selects(pod, space))
            .Select(one => one.Source.Name)];
        return pod.HostNetwork ? "no EgressIP serves it: it is in the network of the host"
            : OwnerOf(pod)?.Source.Name is string owner ? $"EgressIP {owner} serves it"
                + string.Concat(selecting.Where(name => name != owner).Select(name => $"; EgressIP {name} selects it too, but is younger"))
            : selecting.Length > 0 ? $"no EgressIP serves it: EgressIP {string.Join(", ", selecting)} has no address of its families"
            : View.Objects.IsEmpty ? "no EgressIP serves it: the cluster has none"
            : $"no EgressIP selects it: its labels are {Labels(pod.Labels)}; those of its namespace, {Labels(space?.Labels ?? pod.Labels)}";
    }

    /// <summary>What a destination is that pods reach without an egress address.</summary>
    /// <returns>Null: it is none of the API.</returns>
    public string? Inside(IPAddress destination)
    {
        foreach (WatchedNode node in View.Nodes.Values.OrderBy(node => node.Node.Name, StringComparer.Ordinal))
        {
            if (node.Addresses.Concat(node.Node.Networks.SelectMany(network => network.Addresses)).Contains(destination))
            {
                return $"an address of node {node.Node.Name}";
            }

            foreach (IPNetwork network in node.PodNetworks.Where(network => network.Contains(destination)))
            {
                return Cluster.Pods.FirstOrDefault(pod => pod.IPs.Contains(destination)) is Pod pod
                    ? $"pod {pod.Namespace}/{pod.Name}, in {network}" : $"in {network}, the network of pods of node {node.Node.Name}";
            }
        }

        return DutiesOfNode.LinkLocal.Any(network => network.Contains(destination)) ? "link-local" : null;
    }

    /// <summary>The name of the node with this address.</summary>
    public string NameOf(IPAddress address) =>
        View.Nodes.Values.FirstOrDefault(node => node.Addresses.Contains(address))?.Node.Name ?? $"{address}, which is no Node";

    /// <summary>Addresses of an EgressIP that new connections do not get, and why.</summary>
    /// <param name="offered">Those that they get.</param>
    public IEnumerable<(IPAddress Address, string Reason)> Waiting(string? name, AddressFamily family, IEnumerable<IPAddress> offered) =>
        (View.Objects.FirstOrDefault(served => served.Source.Name == name)?.Addresses ?? [])
            .Where(address => address.Address.AddressFamily == family && !offered.Contains(address.Address))
            .Select(address => (address.Address,
                Assignment.Objects.Single(made => made.Name == name).Unassigned
                    .FirstOrDefault(one => one.EgressIP == address.Address.ToString())?.Message
                ?? (address.Holder is string holder ? $"by the API, node {holder} holds it"
                    : address.Owner is string owner ? $"node {owner} is to hold it, and does not yet"
                    : "the controller has given it to no node yet")));

    private static string Labels(IReadOnlyDictionary<string, string> labels) => labels.Count == 0 ? "none"
        : string.Join(", ", labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));
}
