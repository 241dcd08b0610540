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
            json.Objects("items", made.Items, item => Members(json, ("node", item.Node), ("egressIP", item.EgressIP)));
            json.Objects("unassigned", made.Unassigned, address =>
            {
                Members(json, ("egressIP", address.EgressIP), ("reason", address.Reason.ToString()), ("message", address.Message));
                json.Objects("nodes", address.Nodes, node => Members(json, ("node", node.Node), ("reason", node.Reason.ToString())));
            });
            json.Objects(
                "moves", made.Moves, move => Members(json, ("egressIP", move.EgressIP), ("from", move.From), ("to", move.To)));
            json.Objects("events", made.Events, told => Members(
                json, ("type", told.Type.ToString()), ("reason", told.Reason.ToString()), ("message", told.Message)));
            json.Objects("pods", made.Members, pod =>
            {
                Members(json, ("namespace", pod.Namespace), ("name", pod.Name));
                json.Strings("addresses", pod.Addresses);
            });
        });
        json.WriteEndObject();
    }

    private static void Members(Utf8JsonWriter json, params ReadOnlySpan<(string Key, string Value)> members)
    {
        foreach ((string key, string value) in members)
        {
            json.WriteString(key, value);
        }
    }
}
