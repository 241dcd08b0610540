using System.Text.Json;
using EgressIp;

namespace EgressOperator.Commands;

/// <summary>An assignment for programs.</summary>
internal static class AssignmentJson
{
    public static void Write(Utf8JsonWriter json, Assignment assignment)
    {
        json.WriteStartObject();
        json.Objects("egressIPs", assignment.Objects, made =>
        {
            json.WriteString("name", made.Name);
            json.Objects("items", made.Items, item => json.Members(("node", item.Node), ("egressIP", item.EgressIP)));
            json.Objects("unassigned", made.Unassigned, address => Unassigned(json, address));
            json.Objects(
                "moves", made.Moves, move => json.Members(("egressIP", move.EgressIP), ("from", move.From), ("to", move.To)));
            json.Objects("events", made.Events, told => json.Members(
                ("type", told.Type.ToString()), ("reason", told.Reason.ToString()), ("message", told.Message)));
            json.Objects("pods", made.Members, pod => Pod(json, pod));
        });
        json.WriteEndObject();
    }

    public static void Unassigned(Utf8JsonWriter json, UnassignedAddress address)
    {
        json.Members(("egressIP", address.EgressIP), ("reason", address.Reason.ToString()), ("message", address.Message));
        json.Objects("nodes", address.Nodes, node => json.Members(("node", node.Node), ("reason", node.Reason.ToString())));
    }

    public static void Pod(Utf8JsonWriter json, Member pod)
    {
        json.Members(("namespace", pod.Namespace), ("name", pod.Name));
        json.Strings("addresses", pod.Addresses);
    }
}
