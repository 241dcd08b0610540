using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;

namespace EgressOperator.Tests.Routers;

/// <summary>EgressRouters, and what the cluster makes of a Deployment.</summary>
internal static class RouterSamples
{
    public const string Space = "default";

    /// <summary>An EgressRouter with one rule: TCP port 80 goes to port 8080 of 203.0.113.26.</summary>
    public static JsonObject Router(string name, params string[] addresses) => Router(
        name,
        new JsonObject
        {
            ["redirectRules"] = new JsonArray(Rule(80)),
        },
        addresses);

    public static JsonObject Router(string name, JsonObject redirect, params string[] addresses) =>
        Samples.Of("network.operator.openshift.io/v1", "EgressRouter", name, new JsonObject
        {
            ["metadata"] = new JsonObject { ["namespace"] = Space },
            ["spec"] = new JsonObject
            {
                ["mode"] = "Redirect",
                ["networkInterface"] = new JsonObject { ["macvlan"] = new JsonObject { ["mode"] = "Bridge" } },
                ["addresses"] = new JsonArray([.. addresses.Select(address => new JsonObject { ["ip"] = address })]),
                ["redirect"] = redirect,
            },
        });

    public static JsonObject Rule(int port) => new()
    {
        ["destinationIP"] = "203.0.113.26",
        ["port"] = port,
        ["protocol"] = "TCP",
        ["targetPort"] = 8080,
    };

    /// <summary>The pod of a router's Deployment, which runs with these addresses.</summary>
    public static JsonObject RunningPod(JsonObject deployment, params string[] addresses)
    {
        JsonObject pod = NewPod(deployment);
        pod["metadata"]!["annotations"]!["k8s.v1.cni.cncf.io/network-status"] = new JsonArray(
            new JsonObject { ["name"] = "cbr0", ["interface"] = "eth0", ["ips"] = new JsonArray("10.244.1.7") },
            new JsonObject
            {
                ["name"] = $"{Space}/{deployment["metadata"]!["name"]}",
                ["interface"] = "net1",
                ["ips"] = new JsonArray([.. addresses.Select(address => JsonValue.Create(address))]),
            }).ToJsonString();
        pod["status"] = new JsonObject
        {
            ["phase"] = "Running",
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True" }),
            ["containerStatuses"] = new JsonArray(Container(new JsonObject { ["running"] = new JsonObject() }, isReady: true)),
        };
        return pod;
    }

    /// <summary>The pod of a router's Deployment, before its sandbox is made.</summary>
    public static JsonObject NewPod(JsonObject deployment)
    {
        JsonNode template = deployment["spec"]!["template"]!.DeepClone();
        JsonObject metadata = template["metadata"]!.DeepClone().AsObject();
        metadata["namespace"] = Space;
        return Samples.Of("v1", "Pod", $"{deployment["metadata"]!["name"]}-abcde", new JsonObject
        {
            ["metadata"] = metadata,
            ["spec"] = template["spec"]!.DeepClone(),
            ["status"] = new JsonObject
            {
                ["phase"] = "Pending",
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "False" }),
                ["containerStatuses"] = new JsonArray(Container(
                    new JsonObject { ["waiting"] = new JsonObject { ["reason"] = "ContainerCreating" } }, isReady: false)),
            },
        });
    }

    /// <summary>The status of a Deployment whose pod is available, or is not.</summary>
    public static JsonObject Status(JsonObject deployment, int available) => Samples.Of(
        "apps/v1", "Deployment", (string)deployment["metadata"]!["name"]!, new JsonObject
        {
            ["metadata"] = new JsonObject { ["namespace"] = Space },
            ["status"] = new JsonObject
            {
                ["observedGeneration"] = deployment["metadata"]!["generation"]!.DeepClone(),
                ["replicas"] = 1,
                ["updatedReplicas"] = 1,
                ["readyReplicas"] = available,
                ["availableReplicas"] = available,
            },
        });

    /// <summary>What the kubelet tells if the plugin fails.</summary>
    public static JsonObject SandboxEvent(JsonObject pod, string message) => Samples.Of("v1", "Event", "er-abcde.17a2", new JsonObject
    {
        ["metadata"] = new JsonObject { ["namespace"] = Space },
        ["involvedObject"] = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["namespace"] = Space,
            ["name"] = (string)pod["metadata"]!["name"]!,
            ["uid"] = (string)pod["metadata"]!["uid"]!,
        },
        ["type"] = "Warning",
        ["reason"] = "FailedCreatePodSandBox",
        ["message"] = message,
    });

    private static JsonObject Container(JsonObject state, bool isReady) => new()
    {
        ["name"] = "er",
        ["image"] = "pause",
        ["imageID"] = "",
        ["ready"] = isReady,
        ["restartCount"] = 0,
        ["state"] = state,
    };
}
