using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressIp;
using EgressOperator.Objects;
using EgressRouter.Tools;
using Kubernetes;
using Serilog;

namespace EgressOperator.Controller;

/// <summary>Copies of the objects that an assignment depends on.</summary>
internal sealed class ClusterCache
{
    public static readonly Resource EgressIPResource = new("k8s.ovn.org", "v1", "egressips", "EgressIP");

    public static readonly Resource EgressNodeResource = new("egressip.egress-router-cni.io", "v1alpha1", "egressnodes", "EgressNode");

    /// <summary>Pods that have ended use no address.</summary>
    public static readonly Selection RunningPods = new(FieldSelector: "status.phase!=Succeeded,status.phase!=Failed");

    private readonly Reflector<WatchedNode?> _nodes;

    private readonly Reflector<AgentReport?> _agents;

    private readonly Reflector<Namespace?> _namespaces;

    private readonly Reflector<Pod?> _pods;

    private readonly Reflector<Pod?>? _otherPods;

    private readonly TaskCompletionSource _wantsOtherPods = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly ILogger _log;

    /// <param name="node">The node whose pods are copied, until all are wanted; null: all pods are copied.</param>
    public ClusterCache(IKubernetesApi api, ILogger log, TimeProvider clock, string? node = null)
    {
        _log = log;
        var reader = new ObjectReader(api, log, clock);
        EgressIPs = Reflect(EgressIPResource, source => WatchedEgressIP.Read(source, TellIgnored));
        _nodes = Reflect(Resource.Nodes, WatchedNode.Read);
        _agents = Reflect(EgressNodeResource, NodeReader.ReadAgent);
        _namespaces = Reflect(Resource.Namespaces, PodReader.ReadNamespace);
        _pods = ReflectPods(node is null ? "" : $",spec.nodeName={node}");
        _otherPods = node is null ? null : ReflectPods($",spec.nodeName!={node}");

        _nodes.Changed += change => Tell(Same.Nodes(change.Before, change.After));
        _agents.Changed += change => Tell(Same.Agents(change.Before, change.After));
        _namespaces.Changed += change => Tell(Same.Namespaces(change.Before, change.After));

        Reflector<Pod?> ReflectPods(string node)
        {
            Reflector<Pod?> pods = Reflect(
                Resource.Pods, PodReader.Read, RunningPods with { FieldSelector = RunningPods.FieldSelector + node });
            pods.Changed += change => Tell(Same.Pods(change.Before, change.After));
            return pods;
        }

        Reflector<T?> Reflect<T>(Resource resource, Func<KubernetesObject, T?> read, Selection? selection = null)
            where T : class => reader.Reflect(resource, source => read(KubernetesObject.Of(resource, source)), selection);
    }

    /// <summary>Told when something changes that an assignment depends on, except EgressIPs.</summary>
    public event Action? Changed;

    public Reflector<WatchedEgressIP?> EgressIPs { get; }

    /// <summary>How often the copies have changed, whether or not it matters to an assignment.</summary>
    public long ChangeCount => EgressIPs.ChangeCount + _nodes.ChangeCount + _agents.ChangeCount + _namespaces.ChangeCount
        + _pods.ChangeCount + (_otherPods?.ChangeCount ?? 0);

    /// <summary>Ends when all lists are complete, but that of the pods of other nodes.</summary>
    public Task Synced => Task.WhenAll(EgressIPs.Synced, _nodes.Synced, _agents.Synced, _namespaces.Synced, _pods.Synced);

    /// <summary>Ends when the list of all pods is complete, after <see cref="CopyAllPods"/>.</summary>
    public Task AllPods => _otherPods?.Synced ?? _pods.Synced;

    /// <summary>From now on, the pods of other nodes are copied too.</summary>
    public void CopyAllPods() => _wantsOtherPods.TrySetResult();

    /// <summary>A node that OVN-Kubernetes manages; null if there is none.</summary>
    public string? NodeOfOvnKubernetes =>
        _nodes.Objects.Where(node => node?.IsOfOvnKubernetes == true).Select(node => node!.Node.Name).Order().FirstOrDefault();

    public Task RunAsync(CancellationToken cancellation) => Task.WhenAll(
        EgressIPs.RunAsync(cancellation), _nodes.RunAsync(cancellation), _agents.RunAsync(cancellation),
        _namespaces.RunAsync(cancellation), _pods.RunAsync(cancellation), RunOtherPodsAsync(cancellation));

    /// <summary>The nodes, by name.</summary>
    public IReadOnlyDictionary<string, WatchedNode> Nodes => _nodes.Objects.OfType<WatchedNode>().ToDictionary(node => node.Node.Name);

    /// <summary>What agents say, by the name of their node.</summary>
    public IReadOnlyDictionary<string, AgentReport> Agents => _agents.Objects.OfType<AgentReport>().ToDictionary(agent => agent.Name);

    /// <summary>A pod that has not ended; null if there is none of that name. Of other nodes, none is found.</summary>
    public Pod? FindPod(string space, string name) => _pods.Find($"{space}/{name}")?.Object;

    /// <summary>A namespace; null if there is none of that name.</summary>
    public Namespace? FindNamespace(string name) => _namespaces.Find(name)?.Object;

    /// <summary>The cluster as it is now.</summary>
    /// <param name="egressIPs">Its EgressIPs, as the caller has them.</param>
    public Cluster Snapshot(IEnumerable<EgressIP> egressIPs)
    {
        var agents = _agents.Objects.OfType<AgentReport>().ToDictionary(agent => agent.Name);
        Node[] nodes = [.. _nodes.Objects.OfType<WatchedNode>().Select(node => node.Node)];
        return new Cluster(
            [.. egressIPs],
            [.. nodes.Select(node => NodeReader.Merge(node, agents.GetValueOrDefault(node.Name)))],
            [.. nodes.Select(node => node.Name).Where(name => agents.GetValueOrDefault(name)?.IsReachable ?? true)],
            [.. _namespaces.Objects.OfType<Namespace>()],
            Pods());
    }

    /// <summary>A pod that has just got its node may still be among those of others.</summary>
    private ImmutableArray<Pod> Pods()
    {
        Pod[] others = [.. _otherPods?.Objects.OfType<Pod>() ?? []];
        Pod[] own = [.. _pods.Objects.OfType<Pod>()];
        HashSet<(string, string)> known = others.Length == 0 ? [] : [.. own.Select(pod => (pod.Namespace, pod.Name))];
        return [.. own, .. others.Where(pod => !known.Contains((pod.Namespace, pod.Name)))];
    }

    private async Task RunOtherPodsAsync(CancellationToken cancellation)
    {
        if (_otherPods is not null)
        {
            await _wantsOtherPods.Task.WaitAsync(cancellation);
            Task copy = _otherPods.RunAsync(cancellation);
            await await Task.WhenAny(_otherPods.Synced, copy);
            Changed?.Invoke();
            await copy;
        }
    }

    private void TellIgnored(string fault) => _log.Error("an annotation is ignored: {Fault:l}", [fault]);

    private void Tell(bool isSame)
    {
        if (!isSame)
        {
            Changed?.Invoke();
        }
    }
}

/// <summary>A Node.</summary>
/// <param name="IsOfOvnKubernetes">Whether OVN-Kubernetes manages it, and so EgressIP too.</param>
/// <param name="Uid">metadata.uid.</param>
/// <param name="Addresses">status.addresses, those of the type InternalIP first.</param>
/// <param name="PodNetworks">spec.podCIDRs.</param>
internal sealed record WatchedNode(
    Node Node, bool IsOfOvnKubernetes, string Uid, ImmutableArray<IPAddress> Addresses, ImmutableArray<IPNetwork> PodNetworks)
{
    /// <summary>Where the node's end of the tunnel is; null before the node has an address.</summary>
    public IPAddress? Tunnel => (Internal.IsEmpty ? Addresses : Internal)
        .OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1).FirstOrDefault();

    /// <summary>Those of <see cref="Addresses"/> by which nodes reach each other; empty if all are ExternalIPs.</summary>
    public ImmutableArray<IPAddress> Internal { get; init; } = [];

    public static WatchedNode Read(KubernetesObject source) => new(
        NodeReader.Read(source),
        !source.Annotation("k8s.ovn.org/node-chassis-id").IsMissing,
        source.Root["metadata"]["uid"].Text() ?? "",
        NodeReader.AddressesOf(source, "InternalIP", "ExternalIP"),
        [.. source.Root["spec"]["podCIDRs"].Items().Select(network => network.Network())])
    {
        Internal = NodeReader.AddressesOf(source, "InternalIP"),
    };
}

/// <summary>An EgressIP with all that the controller writes of it.</summary>
/// <param name="Rebalance">The value of the annotation that asks to rebalance; null if there is none.</param>
/// <param name="Excluded">Networks that its pods reach without an egress address.</param>
/// <param name="FailsOpen">Whether its pods use the node's address while no egress address has a node.</param>
internal sealed record WatchedEgressIP(
    string Uid, EgressIP Source, EgressIPStatus Status, string? Rebalance, ImmutableArray<IPNetwork> Excluded, bool FailsOpen)
{
    public const string ExceptAnnotation = "egressip.egress-router-cni.io/except-cidrs";

    public const string FailOpenAnnotation = "egressip.egress-router-cni.io/fail-open";

    public const string RebalanceAnnotation = "egressip.egress-router-cni.io/rebalance";

    /// <param name="ignored">Told of an annotation that cannot be read: it counts as missing, and the object is served.</param>
    public static WatchedEgressIP Read(KubernetesObject source, Action<string> ignored)
    {
        EgressIP egressIP = EgressIPReader.Read(source);
        return new WatchedEgressIP(
            source.Root["metadata"]["uid"].Text() ?? "",
            egressIP,
            EgressIPStatus.Read(source, egressIP.Items),
            source.Annotation(RebalanceAnnotation).Text(),
            Unless(ignored, () => source.Annotation(ExceptAnnotation).Networks(), []),
            Unless(ignored, () => IsTrue(source.Annotation(FailOpenAnnotation)), false));
    }

    private static bool IsTrue(Field annotation) => !annotation.IsMissing && annotation.Text() switch
    {
        "true" => true,
        "false" => false,
        _ => throw annotation.Fault("must be \"true\" or \"false\""),
    };

    private static T Unless<T>(Action<string> ignored, Func<T> read, T otherwise)
    {
        try
        {
            return read();
        }
        catch (UsageException fault)
        {
            ignored(fault.Message);
            return otherwise;
        }
    }
}
