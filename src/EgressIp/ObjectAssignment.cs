using System.Collections.Immutable;
using System.Net;

namespace EgressIp;

/// <summary>What becomes of one EgressIP.</summary>
/// <param name="Items">status.items, in the order of the spec.</param>
/// <param name="Unassigned">The other addresses of the spec, in its order.</param>
/// <param name="Events">What holds now. A caller tells those that it has not told before.</param>
/// <param name="Moves">Addresses that another node had, by the status so far.</param>
/// <param name="Members">The pods that use the addresses, by namespace and name.</param>
public sealed record ObjectAssignment(
    string Name,
    ImmutableArray<AssignedAddress> Items,
    ImmutableArray<UnassignedAddress> Unassigned,
    ImmutableArray<Condition> Conditions,
    ImmutableArray<Event> Events,
    ImmutableArray<Move> Moves,
    ImmutableArray<Member> Members);

/// <summary>An address that a node holds.</summary>
/// <param name="EgressIP">In canonical text.</param>
/// <param name="Link">The node's link to the network.</param>
/// <param name="Network">The node's longest prefix that the address is in.</param>
public sealed record AssignedAddress(string EgressIP, string Node, string Link, IPNetwork Network)
{
    /// <summary>The other nodes that could not hold it, by name; filled only if the assignment was asked to explain.</summary>
    public ImmutableArray<NodeRefusal> Refusals { get; init; } = [];
}

/// <summary>An address that no node holds.</summary>
/// <param name="EgressIP">In canonical text; as written if it is not an address.</param>
/// <param name="Nodes">Why not this node, for each node of the cluster by name.</param>
public sealed record UnassignedAddress(string EgressIP, UnassignedReason Reason, string Message, ImmutableArray<NodeRefusal> Nodes);

/// <summary>Why a node does not hold an address.</summary>
public sealed record NodeRefusal(string Node, NodeReason Reason)
{
    /// <summary>In words, with the name of the node.</summary>
    public string Message => Words.Describe(Node, Reason);
}

/// <summary>An address that changes its node.</summary>
public sealed record Move(string EgressIP, string From, string To);

/// <summary>A pod that belongs to an EgressIP.</summary>
/// <param name="Node">The node that the pod runs on.</param>
/// <param name="Addresses">The pod's own addresses.</param>
/// <param name="EgressIPs">The assigned addresses that it uses: those of its address families.</param>
public sealed record Member(
    string Namespace,
    string Name,
    string Node,
    ImmutableArray<IPAddress> Addresses,
    ImmutableArray<string> EgressIPs);

/// <summary>A condition of the object's status.</summary>
/// <param name="Type">Assigned: every address has a node.</param>
public sealed record Condition(string Type, bool Status, string Reason, string Message);

/// <summary>An event of the object.</summary>
public sealed record Event(EventType Type, EventReason Reason, string Message)
{
    /// <summary>What it is about. If only the message has changed, but not reason and subject, it need not be told again.</summary>
    public string Subject { get; init; } = Message;
}

/// <summary>The types of events that Kubernetes has.</summary>
public enum EventType
{
    /// <summary>For information.</summary>
    Normal,

    /// <summary>Somebody should look at it.</summary>
    Warning,
}

/// <summary>Reasons of events, in OVN-Kubernetes' words; the last three are not its own.</summary>
public enum EventReason
{
    /// <summary>A text of the spec is not an address, or one that no host can have.</summary>
    InvalidEgressIP,

    /// <summary>The address is one of a node, of a gateway or of another machine.</summary>
    EgressIPConflict,

    /// <summary>Another EgressIP has the address.</summary>
    UnsupportedRequest,

    /// <summary>No address of the object has a node.</summary>
    NoMatchingNodeFound,

    /// <summary>Some addresses of the object have no node.</summary>
    UnassignedRequest,

    /// <summary>A pod belongs to an older EgressIP.</summary>
    UndefinedRequest,

    /// <summary>A selector of the object is invalid.</summary>
    InvalidSelector,

    /// <summary>An address has moved to another node.</summary>
    Reassigned,

    /// <summary>Another program had changed the status.</summary>
    StatusRestored,
}

/// <summary>Why an address has no node. The names are those of the events.</summary>
public enum UnassignedReason
{
    /// <summary><see cref="EventReason.InvalidEgressIP"/>.</summary>
    InvalidEgressIP,

    /// <summary><see cref="EventReason.EgressIPConflict"/>.</summary>
    EgressIPConflict,

    /// <summary><see cref="EventReason.UnsupportedRequest"/>.</summary>
    UnsupportedRequest,

    /// <summary><see cref="EventReason.InvalidSelector"/>: such an object keeps its addresses, but gets none.</summary>
    InvalidSelector,

    /// <summary>The address is fine, but no node can hold it.</summary>
    NoMatchingNodeFound,
}

/// <summary>Why a node does not hold an address; of several reasons, the first.</summary>
public enum NodeReason
{
    /// <summary>The node lacks <see cref="Node.AssignableLabel"/>.</summary>
    NotLabelled,

    /// <summary>The condition Ready of the node is not True.</summary>
    NotReady,

    /// <summary>The node does not answer.</summary>
    NotReachable,

    /// <summary>No node could hold the address: see the reason of the address.</summary>
    AddressRefused,

    /// <summary>The address is in no network of the node.</summary>
    NoNetwork,

    /// <summary>The node holds an address of the same object.</summary>
    HoldsAddressOfObject,

    /// <summary>The node's capacity is used up.</summary>
    NoCapacity,
}
