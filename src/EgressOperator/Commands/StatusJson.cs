using System.Text.Json;
using EgressOperator.Controller;

namespace EgressOperator.Commands;

/// <summary>The state of a cluster for programs.</summary>
internal static class StatusJson
{
    public static void Write(Utf8JsonWriter json, ClusterStatus status)
    {
        json.WriteStartObject();
        json.Objects("egressIPs", status.EgressIPs, one =>
        {
            json.WriteString("name", one.Name);
            json.Objects("items", one.Watched.Status.Items, item => json.Members(("node", item.Node), ("egressIP", item.EgressIP)));
            json.Objects("unassigned", one.Unassigned, address => AssignmentJson.Unassigned(json, address));
            json.Objects("pending", one.Pending, item => json.Members(("node", item.Node), ("egressIP", item.EgressIP)));
            StatusCondition[] conditions = one.Watched.Status.Condition is StatusCondition condition ? [condition] : [];
            json.Objects("conditions", conditions, known => json.Members(
                ("type", StatusCondition.Type), ("status", known.Status ? "True" : "False"), ("reason", known.Reason),
                ("message", known.Message), ("lastTransitionTime", known.SinceText)));
            json.Objects("pods", one.Made.Members, pod => AssignmentJson.Pod(json, pod));
        });
        json.Objects("nodes", status.Nodes, node =>
        {
            json.WriteString("name", node.Node.Name);
            json.WriteBoolean("assignable", node.Node.IsAssignable);
            json.WriteBoolean("ready", node.Node.Ready);
            json.WriteBoolean("reachable", node.IsReachable);
            json.Strings("egressIPs", node.EgressIPs);
            json.Objects("networks", node.Networks, network => json.Members(
                ("link", network.Link), ("cidr", network.Cidr.ToString())));
        });
        json.WriteEndObject();
    }
}
