using System.Text.Json.Nodes;
using Shared;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>An egress address that another machine has.</summary>
public class ConflictTests(ITestOutputHelper output)
{
    private const string Taken = "192.0.2.77", Name = "taken";

    /// <summary>Controller and agents must not give the address to and fro as long as the machine has it.</summary>
    [RootFact]
    public void It_has_no_node_until_the_machine_lets_go()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        Lab.Batch(cluster.Lab.Out, $"address add {Taken}/32 dev eth0");
        cluster.Apply(Name, [Taken], app: "none");
        Eventually.IsTrue(
            () => Status(cluster) is JsonNode status && status["items"]!.AsArray().Count == 0
                && Message(status).Contains("network of node", StringComparison.Ordinal),
            () => $"{Status(cluster)}\n{cluster.Logs()}", 25);
        string before = $"{Status(cluster)}";
        // Longer than a node takes to ask for the address, to be sure of the other machine, and to ask again.
        Assert.False(Eventually.Becomes(() => $"{Status(cluster)}" != before, 25), $"{before}\n{Status(cluster)}\n{cluster.Logs()}");
        Assert.Null(cluster.HolderOf(Taken));

        Lab.Batch(cluster.Lab.Out, $"address delete {Taken}/32 dev eth0");
        Eventually.IsTrue(() => cluster.HolderOf(Taken) is not null, () => $"{Status(cluster)}\n{cluster.Logs()}", 30);
        Eventually.IsTrue(
            () => Enumerable.Range(1, EgressLab.Nodes).All(
                node => !cluster.Agent(node).Metrics().Contains("egress_agent_conflicts{", StringComparison.Ordinal)),
            () => cluster.Logs(), 5);
    }

    private static JsonNode? Status(EgressCluster cluster) =>
        cluster.Server.All("egressips").Single(one => (string?)one["metadata"]!["name"] == Name)["status"];

    private static string Message(JsonNode status) => (string?)status["conditions"]?[0]?["message"] ?? "";
}
