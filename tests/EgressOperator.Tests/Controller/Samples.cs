using System.Text.Json.Nodes;

namespace EgressOperator.Tests.Controller;

/// <summary>Objects of a cluster, with what the controller reads of them.</summary>
internal static class Samples
{
    /// <summary>
    /// A node of the network 192.168.126.0/24 that may hold egress addresses and is ready: with the last byte of its address there, and
    /// further addresses, for example <c>10.10.10.5/24</c>.
    /// </summary>
    public static JsonObject Node(string name, int address, params string[] others) => Of("v1", "Node", name, new JsonObject
    {
        ["metadata"] = new JsonObject
        {
            ["labels"] = new JsonObject { ["k8s.ovn.org/egress-assignable"] = "" },
            ["annotations"] = new JsonObject
            {
                ["k8s.ovn.org/node-primary-ifaddr"] =
                    $$"""{"ipv4":"192.168.126.{{address}}/24","ipv6":"fd00:126::{{address}}/64"}""",
                ["k8s.ovn.org/host-cidrs"] = new JsonArray(
                    [.. others.Append($"192.168.126.{address}/24").Select(cidr => JsonValue.Create(cidr))]).ToJsonString(),
            },
        },
        ["status"] = Ready("True"),
    });

    /// <summary>The status of a node: True, False or Unknown.</summary>
    public static JsonObject Ready(string value) => new()
    {
        ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = value }),
    };

    /// <summary>An EgressIP for all pods of namespaces with the label <c>env=prod</c>.</summary>
    public static JsonObject EgressIP(string name, params string[] addresses) => Of("k8s.ovn.org/v1", "EgressIP", name, new JsonObject
    {
        ["spec"] = new JsonObject
        {
            ["egressIPs"] = new JsonArray([.. addresses.Select(address => JsonValue.Create(address))]),
            ["namespaceSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["env"] = "prod" } },
        },
    });

    public static JsonObject Namespace(string name, string label) => Of("v1", "Namespace", name, new JsonObject
    {
        ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["env"] = label } },
    });

    public static JsonObject Pod(string space, string name, string node, string address) => Of("v1", "Pod", name, new JsonObject
    {
        ["metadata"] = new JsonObject { ["namespace"] = space },
        ["spec"] = new JsonObject
        {
            ["nodeName"] = node,
            ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["image"] = "main" }),
        },
        ["status"] = new JsonObject
        {
            ["phase"] = "Running",
            ["podIP"] = address,
            ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address }),
        },
    });

    /// <summary>A part of an object, to change it.</summary>
    public static JsonObject Of(string apiVersion, string kind, string name, JsonObject more)
    {
        more["apiVersion"] = apiVersion;
        more["kind"] = kind;
        more["metadata"] ??= new JsonObject();
        more["metadata"]!["name"] = name;
        return more;
    }

    /// <summary>A change of a node.</summary>
    public static JsonObject NodePart(string name, JsonObject more) => Of("v1", "Node", name, more);

    /// <summary>A change of the metadata of an object: labels or annotations; null removes one.</summary>
    public static JsonObject Metadata(string apiVersion, string kind, string name, string what, string key, string? value) =>
        Of(apiVersion, kind, name, new JsonObject
        {
            ["metadata"] = new JsonObject { [what] = new JsonObject { [key] = value } },
        });

    public static JsonObject Label(string node, string? value) =>
        Metadata("v1", "Node", node, "labels", "k8s.ovn.org/egress-assignable", value);
}
