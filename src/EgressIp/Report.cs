using System.Collections.Immutable;

namespace EgressIp;

/// <summary>What is told about an object: items, reasons, the condition, events and moves.</summary>
internal sealed class Report(Topology topology, Placement placement, bool explain)
{
    public ObjectAssignment Of(WantingObject source, Membership membership)
    {
        ImmutableArray<UnassignedAddress> unassigned =
            [.. source.Addresses.Where(IsUnassigned).Select(Explain)];
        ImmutableArray<AssignedAddress> items =
            [.. source.Addresses.Where(address => !IsUnassigned(address)).Select(Item)];
        (Move Move, string Why)[] moves = [.. source.Addresses.Select(MoveOf).OfType<(Move, string)>()];
        return new ObjectAssignment(
            source.Source.Name,
            items,
            unassigned,
            [ConditionOf(source, items.Length, unassigned)],
            [.. EventsOf(source, items.Length, unassigned), .. moves.Select(moved => Tell(moved.Move, moved.Why)), .. PodEvents()],
            [.. moves.Select(moved => moved.Move)],
            membership.Of(source));

        IEnumerable<Event> PodEvents() => membership.OthersOf(source).Select(other => new Event(
            EventType.Warning,
            EventReason.UndefinedRequest,
            $"pod {other.Pod.Namespace}/{other.Pod.Name} belongs to EgressIP {other.Owner}, which is older"));
    }

    private AssignedAddress Item(WantedAddress address)
    {
        NodeNetwork network = address.Coverage.Networks[address.Node]!;
        return new AssignedAddress(address.Text, topology.Nodes[address.Node].Name, network.Link, network.Cidr)
        {
            Refusals = explain ? [.. RefusalsOf(address).Where(refusal => refusal.Node != topology.Nodes[address.Node].Name)] : [],
        };
    }

    private UnassignedAddress Explain(WantedAddress address)
    {
        ImmutableArray<NodeRefusal> nodes = [.. RefusalsOf(address)];
        if (nodes.Length < topology.Nodes.Length)
        {
            throw new InvalidOperationException($"{address.Text} has no node, but could have one");
        }

        (UnassignedReason reason, string message) = address.Refusal switch
        {
            null => (UnassignedReason.NoMatchingNodeFound, Words.Describe(nodes)),
            (UnassignedReason.UnsupportedRequest, string text) => (UnassignedReason.UnsupportedRequest, text + HolderOf(address)),
            (UnassignedReason because, string text) => (because, text),
        };
        return new UnassignedAddress(address.Text, reason, message, nodes);
    }

    /// <summary>Where the other object has the address, in words.</summary>
    private string HolderOf(WantedAddress address) =>
        Enumerable.Range(0, topology.Nodes.Length)
            .Where(node => placement.On(node).Any(held => held.Address!.Equals(address.Address)))
            .Select(node => $" on node {topology.Nodes[node].Name}").FirstOrDefault("");

    private IEnumerable<NodeRefusal> RefusalsOf(WantedAddress address) =>
        topology.Nodes.Select((node, index) => WhyNot(address, index) is NodeReason reason ? new NodeRefusal(node.Name, reason) : null)
            .OfType<NodeRefusal>();

    private NodeReason? WhyNot(WantedAddress address, int node) =>
        topology.Refusals[node] is NodeReason refusal ? refusal
        : address.Refusal is not null ? NodeReason.AddressRefused
        : address.Coverage.Networks[node] is null ? NodeReason.NoNetwork
        : placement.WhyNot(address, node);

    private (Move Move, string Why)? MoveOf(WantedAddress address)
    {
        if (address.Node == WantedAddress.None || address.HadBy.IsEmpty || address.HadBy.Contains(topology.Nodes[address.Node].Name))
        {
            return null;
        }

        string home = address.Home == WantedAddress.None ? "" : topology.Nodes[address.Home].Name;
        string from = address.HadBy.Contains(home) ? home : address.HadBy[0];
        string why = topology.TakersOf(address.Address!, address.HadBy).Contains(topology.Nodes[address.Node].Name)
                ? $"{from} did not answer, and {topology.Nodes[address.Node].Name} has taken it over"
            : topology.IndexOf(from) is not int node ? "the node does not exist"
            : topology.Refusals[node] is NodeReason refusal ? Words.Describe(from, refusal)
            : address.Coverage.Networks[node] is null ? Words.Describe(from, NodeReason.NoNetwork)
            : address.Home == node ? "rebalance"
            : Words.Describe(from, NodeReason.HoldsAddressOfObject);
        return (new Move(address.Text, from, topology.Nodes[address.Node].Name), why);
    }

    private static Event Tell(Move move, string why) =>
        new(EventType.Normal, EventReason.Reassigned, $"{move.EgressIP} moves from {move.From} to {move.To}: {why}");

    private static Condition ConditionOf(WantingObject source, int assigned, ImmutableArray<UnassignedAddress> unassigned) =>
        source.SelectorFault is string fault ? new("Assigned", false, nameof(EventReason.InvalidSelector), fault)
        : source.Addresses.IsEmpty ? new("Assigned", false, "NoAddresses", "spec.egressIPs is empty")
        : unassigned.IsEmpty ? new("Assigned", true, "AllAssigned", "every address has a node")
        : new("Assigned", false, assigned == 0 ? "NoneAssigned" : "SomeUnassigned", Words.Describe(unassigned));

    private static bool IsUnassigned(WantedAddress address) => address.Node == WantedAddress.None;

    private static IEnumerable<Event> EventsOf(WantingObject source, int assigned, ImmutableArray<UnassignedAddress> unassigned)
    {
        if (source.SelectorFault is string fault)
        {
            yield return new(EventType.Warning, EventReason.InvalidSelector, fault);
        }

        foreach ((WantedAddress wanted, UnassignedAddress address) in source.Addresses.Where(IsUnassigned).Zip(unassigned))
        {
            if (ReasonOfOne(address.Reason) is EventReason reason)
            {
                yield return new(EventType.Warning, reason, Words.Describe(address))
                {
                    Subject = $"{wanted.Text}: {wanted.Refusal?.Message}",
                };
            }
        }

        ImmutableArray<UnassignedAddress> without =
            [.. unassigned.Where(address => address.Reason is UnassignedReason.NoMatchingNodeFound or UnassignedReason.EgressIPConflict)];
        if (!without.IsEmpty)
        {
            yield return new(
                EventType.Warning,
                assigned == 0 ? EventReason.NoMatchingNodeFound : EventReason.UnassignedRequest,
                Words.Describe(without))
            {
                Subject = string.Join(' ', without.Select(address => address.EgressIP)),
            };
        }
    }

    /// <summary>The event that a single address has; null: there is one for all addresses of the object.</summary>
    private static EventReason? ReasonOfOne(UnassignedReason reason) => reason switch
    {
        UnassignedReason.InvalidEgressIP => EventReason.InvalidEgressIP,
        UnassignedReason.EgressIPConflict => EventReason.EgressIPConflict,
        UnassignedReason.UnsupportedRequest => EventReason.UnsupportedRequest,
        _ => null,
    };
}
