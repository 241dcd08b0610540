using System.Globalization;
using EgressIp;
using EgressOperator.Controller;
using EgressOperator.Objects;
using EgressOperator.Overview;
using EgressOperator.Routers;

namespace EgressOperator.Commands;

/// <summary>The state of a cluster for people.</summary>
internal static class StatusTable
{
    private const int MostEvents = 10;

    public static void Write(Screen screen, ClusterStatus status)
    {
        if (status.EgressIPs.IsEmpty)
        {
            screen.Line("The cluster has no EgressIP.");
        }

        screen.Part("Addresses", ["EGRESSIP", "ADDRESS", "NODE"], status.EgressIPs.SelectMany(
            one => one.Watched.Status.Items.Select(item => (string[])[one.Name, item.EgressIP, item.Node])));
        screen.Part("Without a node", ["EGRESSIP", "ADDRESS", "REASON", "WHY"], status.EgressIPs.SelectMany(
            one => one.Unassigned.Select(address => (string[])[one.Name, address.EgressIP, address.Reason.ToString(), address.Message])));
        screen.Part("Not yet done by the controller", ["EGRESSIP", "ADDRESS", "NODE"], status.EgressIPs.SelectMany(
            one => one.Pending.Select(item => (string[])[one.Name, item.EgressIP, item.Node])));
        screen.Part("Nodes", ["NODE", "ASSIGNABLE", "READY", "REACHABLE", "HOLDS", "NETWORKS"], status.Nodes.Select(node => (string[])
            [
                node.Node.Name, Word(node.Node.IsAssignable), Word(node.Node.Ready), Word(node.IsReachable),
                node.EgressIPs.Length.ToString(CultureInfo.InvariantCulture),
                string.Join(' ', node.Networks.Select(network => network.Cidr)),
            ]));
        screen.Part("Told by agents", ["NODE", "WHAT"], status.Nodes.SelectMany(node => Told(node).Select(
            told => (string[])[node.Node.Name, told])));
        screen.Part("Routers", ["NAMESPACE", "ROUTER", "ADDRESSES", "AVAILABLE", "WHY"], status.Routers.Select(router => (string[])
            [
                router.Meta.Namespace ?? "", router.Meta.Name, string.Join(' ', router.Rendered.Addresses),
                Word(router.Has(RouterConditions.Available)), WhyOf(router),
            ]));
        screen.Part("Router pods", ["NAMESPACE", "POD", "NODE", "INTERFACE", "NETWORK", "ADDRESSES", "READY"],
            (status.Attachments ?? []).Select(one => (string[])
            [
                one.Pod.Namespace, one.Pod.Name, one.Pod.Node ?? "", one.Network.Interface, one.Network.Name,
                string.Join(' ', one.Network.Addresses), Word(one.Pod.IsReady),
            ]));
        screen.Part("Last events", ["TIME", "OBJECT", "WHAT"], status.Events.Take(MostEvents).Reverse().Select(told => (string[])
            [ConditionFields.Time(told.Time), $"{told.Kind} {told.Name}", told.Message]));
    }

    /// <summary>Why the addresses of one EgressIP are where they are.</summary>
    public static void Explain(Screen screen, ClusterStatus status, EgressIPState one)
    {
        StatusCondition? condition = one.Watched.Status.Condition;
        screen.Line(Styled.Title($"EgressIP {one.Name}"), condition is null
            ? ": the controller has not decided yet"
            : $": {condition.Message} (since {condition.SinceText})");
        foreach (AssignedAddress item in one.Made.Items)
        {
            string state = one.Pending.Contains(item) ? "should be on" : "is on";
            string link = item.Link.Length > 0 ? $", by the link {item.Link}" : "";
            screen.Line($"{item.EgressIP} {state} {item.Node}: it is labelled, ready and reachable, and in {item.Network}{link}");
            screen.Lines(string.Join('\n', status.Nodes.Where(node => node.Node.Name != item.Node).Select(
                node => "  " + (item.Refusals.FirstOrDefault(refusal => refusal.Node == node.Node.Name)?.Message
                    ?? $"{node.Node.Name} could hold it too; what is assigned and valid does not move by itself"))));
        }

        foreach (UnassignedAddress address in one.Unassigned)
        {
            screen.Line($"{address.EgressIP} has no node: {address.Reason}: {address.Message}");
            screen.Lines(string.Join('\n', address.Nodes.Where(node => node.Reason != NodeReason.AddressRefused)
                .Select(node => "  " + node.Message)));
        }

        screen.Part("Pods", ["NAMESPACE", "POD", "NODE", "LEAVES AS"], one.Made.Members.Select(
            pod => (string[])[pod.Namespace, pod.Name, pod.Node, pod.EgressIPs.IsEmpty ? "-" : string.Join(' ', pod.EgressIPs)]));
    }

    private static IEnumerable<string> Told(NodeState node) => node.Agent is not AgentReport agent ? [] :
    [
        .. agent.Problems,
        .. agent.Conflicts.Select(conflict => $"{conflict.Address} is held by another machine, {conflict.Mac}"),
        .. agent.Taken.Select(taken => $"{taken.Address} was taken from {taken.From}, which does not answer"),
        .. agent.Missing.Select(missing => $"{missing} is not heard"),
    ];

    /// <summary>The message of the condition that matters most.</summary>
    private static string WhyOf(WatchedRouter router) => (router.Conditions.FirstOrDefault(
            known => known.Type == RouterConditions.Degraded && known.Status)
        ?? router.Conditions.FirstOrDefault(known => known.Type == RouterConditions.Available))?.Message ?? "";

    private static string Word(bool value) => value ? "yes" : "no";
}
