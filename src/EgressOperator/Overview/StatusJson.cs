using System.Text.Json;
using EgressOperator.Commands;
using EgressOperator.Controller;
using EgressOperator.Routers;

namespace EgressOperator.Overview;

/// <summary>The state of a cluster for programs.</summary>
internal static class StatusJson
{
    public static void Write(Utf8JsonWriter json, ClusterStatus status)
    {
        json.WriteStartObject();
        json.Objects("egressIPs", status.EgressIPs, one => EgressIP(json, one));
        json.Objects("nodes", status.Nodes, node => Node(json, node));
        json.Objects("routers", status.Routers, router => Router(json, router));
        if (status.Attachments is not null)
        {
            json.Objects("attachments", status.Attachments, one => Attachment(json, one));
        }

        json.Objects("events", status.Events, told => Event(json, told));
        json.WriteEndObject();
    }

    /// <param name="mostPods">How many pods are listed; the others are only counted.</param>
    public static void EgressIP(Utf8JsonWriter json, EgressIPState one, int mostPods = int.MaxValue)
    {
        json.WriteString("name", one.Name);
        json.Objects("items", one.Watched.Status.Items, item => json.Members(("node", item.Node), ("egressIP", item.EgressIP)));
        json.Objects("unassigned", one.Unassigned, address => AssignmentJson.Unassigned(json, address));
        json.Objects("pending", one.Pending, item => json.Members(("node", item.Node), ("egressIP", item.EgressIP)));
        StatusCondition[] conditions = one.Watched.Status.Condition is StatusCondition condition ? [condition] : [];
        json.Objects("conditions", conditions, known => Condition(
            json, StatusCondition.Type, known.Status, known.Reason, known.Message, known.SinceText));
        json.WriteNumber("podCount", one.Made.Members.Length);
        json.Objects("pods", one.Made.Members.Take(mostPods), pod => AssignmentJson.Pod(json, pod));
    }

    public static void Node(Utf8JsonWriter json, NodeState node)
    {
        json.WriteString("name", node.Node.Name);
        json.WriteBoolean("assignable", node.Node.IsAssignable);
        json.WriteBoolean("ready", node.Node.Ready);
        json.WriteBoolean("reachable", node.IsReachable);
        json.Strings("egressIPs", node.EgressIPs);
        json.Objects("networks", node.Networks, network => json.Members(
            ("link", network.Link), ("cidr", network.Cidr.ToString())));
        json.Objects("conflicts", node.Agent?.Conflicts ?? [], conflict => json.Members(
            ("egressIP", conflict.Address.ToString()), ("mac", conflict.Mac)));
        json.Objects("taken", node.Agent?.Taken ?? [], taken => json.Members(
            ("egressIP", taken.Address.ToString()), ("from", taken.From)));
        json.Strings("missing", node.Agent?.Missing ?? []);
        json.Strings("problems", node.Agent?.Problems ?? []);
    }

    public static void Router(Utf8JsonWriter json, WatchedRouter router)
    {
        json.Members(("namespace", router.Meta.Namespace ?? ""), ("name", router.Meta.Name));
        json.Strings("addresses", router.Rendered.Addresses);
        json.WriteBoolean("pair", router.Rendered.IsPair);
        json.Objects("conditions", router.Conditions, known => Condition(
            json, known.Type, known.Status, known.Reason, known.Message, ConditionFields.Time(known.Since)));
    }

    public static void Attachment(Utf8JsonWriter json, RouterAttachment one)
    {
        json.Members(("namespace", one.Pod.Namespace), ("pod", one.Pod.Name), ("node", one.Pod.Node ?? ""), ("network", one.Network.Name),
            ("interface", one.Network.Interface));
        json.Strings("addresses", one.Network.Addresses.Select(address => address.ToString()));
        json.WriteBoolean("ready", one.Pod.IsReady);
    }

    public static void Event(Utf8JsonWriter json, ToldEvent told) => json.Members(
        ("time", ConditionFields.Time(told.Time)), ("kind", told.Kind), ("namespace", told.Namespace ?? ""), ("name", told.Name),
        ("type", told.Type), ("reason", told.Reason), ("message", told.Message));

    private static void Condition(Utf8JsonWriter json, string type, bool status, string reason, string message, string since) =>
        json.Members(
            ("type", type), ("status", status ? "True" : "False"), ("reason", reason), ("message", message),
            ("lastTransitionTime", since));
}
