using System.Text.Json;
using System.Text.Json.Nodes;
using ApiServer;

namespace Kubernetes.Tests.Infrastructure;

/// <summary>Nodes with one value each, in a label.</summary>
internal static class Nodes
{
    public static void Put(this KubeApiServer server, string name, int value) => server.Apply(new JsonObject
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Node",
        ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["value"] = $"{value}" } },
    });

    public static void Remove(this KubeApiServer server, string name) => server.Delete("nodes", name);

    /// <summary>All nodes with their values: <c>a=1 b=2</c>.</summary>
    public static string Text(this KubeApiServer server) =>
        string.Join(' ', server.All("nodes").Select(node => $"{node["metadata"]!["name"]}={node["metadata"]!["labels"]!["value"]}"));

    /// <summary>The requests that began a list: not its later pages, and not the question for the server's state.</summary>
    public static ApiRequest[] Lists(this KubeApiServer server) =>
        [.. server.Requests.Where(one => IsList(one) && !one.Query.ContainsKey("continue"))];

    public static ApiRequest[] Watches(this KubeApiServer server) => [.. server.Requests.Where(IsWatch)];

    public static bool IsList(ApiRequest request) => request.Verb == "list" && request.Query["limit"] != "1";

    public static bool IsWatch(ApiRequest request) => request.Verb == "watch";

    public static string Read(JsonElement node) =>
        $"{node.GetProperty("metadata").GetProperty("name")}={node.GetProperty("metadata").GetProperty("labels").GetProperty("value")}";
}
