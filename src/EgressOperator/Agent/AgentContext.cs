using System.Collections.Immutable;
using System.Net;
using EgressOperator.Agent.Audit;
using EgressOperator.Agent.Handover;
using EgressOperator.Controller;
using EgressOperator.Gate;
using Netlink;
using Serilog;
using Settings = EgressDataPath.Settings;

namespace EgressOperator.Agent;

/// <summary>What the parts of an agent share.</summary>
/// <param name="Node">The name of the node.</param>
/// <param name="Namespace">The network namespace of the node.</param>
/// <param name="Excluded">Networks that pods reach without an egress address.</param>
/// <param name="Pods">What the runtime has said of the node's pods.</param>
/// <param name="Owners">Whose addresses are, for the audit log; null: there is none.</param>
internal sealed record AgentContext(
    string Node,
    NetNamespace Namespace,
    Settings Settings,
    ImmutableArray<IPNetwork> Excluded,
    ClusterCache Cache,
    PodRecords Pods,
    PodOwners? Owners,
    IPeers Peers,
    NodeReporter Reporter,
    HandoverSender Handover,
    AgentMetrics Metrics,
    ILogger Log,
    TimeProvider Clock);

/// <summary>The other agents.</summary>
internal interface IPeers
{
    /// <summary>Whether most agents do not hear this node: then it must not hold addresses.</summary>
    bool IsIsolated { get; }

    /// <summary>Whether most agents hear this node: only then it may take addresses.</summary>
    bool MayTake { get; }

    /// <summary>Egress nodes that this node does not hear.</summary>
    IReadOnlyCollection<string> Missing { get; }

    /// <summary>Looks in the API for agents that are new or gone.</summary>
    void SetPeers();

    /// <summary>What the agents say now.</summary>
    PeerView View();

    /// <summary>Tells the others what this node holds.</summary>
    void SetHoldings(ImmutableArray<HeldBy> held);
}
