using System.Net.Sockets;
using System.Text.Json.Nodes;
using Netlink;
using Netlink.NetFilter;
using Shared;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>The audit logs of agents: whose connections they tell of, and that only the egress node tells.</summary>
public sealed class AuditTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("er-audit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Pods of the egress node and of another one, both families, also of a pod that is gone when its connections end.</summary>
    [RootFact]
    public void The_egress_node_tells_whose_connection_it_was()
    {
        using var cluster = new EgressCluster(output: output);
        cluster.SetAssignable(1, false);
        for (int node = 1; node <= EgressLab.Nodes; node++)
        {
            cluster.Agent(node).Kill();
            cluster.StartAgent(node, "--audit=both", "--audit-file", FileOf(node), "--audit-labels=team,app");
        }

        cluster.Settled();
        Eventually.IsTrue(
            () => Enumerable.Range(1, EgressLab.Nodes).All(node => Lines(node, "on").Length == 1), () => cluster.Logs(), 10);
        EgressLab lab = cluster.Lab;
        int[] holders = [cluster.HolderOf(EgressCluster.Address4)!.Value, cluster.HolderOf(EgressCluster.Address6)!.Value];
        string[] asked = [.. lab.Pods.Where(pod => pod.Name != "a2").SelectMany(pod => (string[])
        [
            Ask(pod, EgressLab.Server4, EgressCluster.Address4, holders[0]),
            Ask(pod, EgressLab.Server6, EgressCluster.Address6, holders[1]),
        ])];
        Assert.Equal("192.0.2.11", EgressLab.Ask(lab["a2"], Protocol.Udp, EgressLab.Server4));

        cluster.Server.Delete("pods", "b1", "prod");
        Eventually.IsTrue(
            () => !Lab.In(lab.Node(holders[0]), "nft", "list", "map", "inet", "egress_ip", "snat4")
                .Contains(lab["b1"].IPv4, StringComparison.Ordinal),
            () => cluster.Logs(), 10);
        foreach (int node in holders)
        {
            using NetNamespace holder = NetNamespace.Open(Lab.PathOf(lab.Node(node)));
            using NetlinkSocket socket = holder.Run(() => NetlinkSocket.OpenNetFilter());
            socket.DeleteConnections(_ => true);
        }

        foreach (string happened in (string[])["start", "end"])
        {
            Eventually.IsTrue(
                () => !asked.Except(All(happened)).Any(), () => $"{string.Join('\n', asked)}\n{string.Join('\n', All(happened))}", 10);
            Assert.Equal(asked.Length, All(happened).Count(asked.Contains));
        }

        Assert.Empty((JsonNode[])[.. Lines(1, "end"), .. Lines(1, "start")]);
        Eventually.IsTrue(
            () => cluster.Agent(2).Metric("egress_agent_audit_lines_total") == Lines(2, "end").Length + Lines(2, "start").Length,
            () => $"{cluster.Agent(2).Metric("egress_agent_audit_lines_total")} lines", 10);
        Assert.Equal(0, cluster.Agent(2).Metric("egress_agent_audit_lost_total{reason=\"kernel\"}"));
        cluster.Agent(2).Signal("TERM");
        Assert.Equal(0, cluster.Agent(2).UntilItEnds());
        Assert.Single(Lines(2, "off"));
    }

    /// <summary>A datagram, and its answer.</summary>
    /// <returns>What the lines about it say.</returns>
    private static string Ask(LabPod pod, string server, string egress, int holder)
    {
        bool isIPv6 = server.Contains(':', StringComparison.Ordinal);
        using Socket socket = Traffic.NamespaceSocket.Open(
            pod.Namespace, isIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, Traffic.Transport.Udp);
        socket.ReceiveTimeout = 5000;
        socket.Connect(server, EgressLab.Port);
        socket.Send([1]);
        Assert.True(socket.Receive(new byte[512]) > 0);
        int port = ((System.Net.IPEndPoint)socket.LocalEndPoint!).Port;
        return $"n{holder} prod {pod.Name} {{\"app\":\"web\"}} udp {(isIPv6 ? pod.IPv6 : pod.IPv4)} {port} {server} {EgressLab.Port} {server} {egress} {port}";
    }

    private string[] All(string happened) =>
        [.. Enumerable.Range(1, EgressLab.Nodes).SelectMany(node => Lines(node, happened)).Select(Text)];

    private string FileOf(int node) => Path.Combine(_folder, $"n{node}.json");

    private JsonNode[] Lines(int node, string happened) => !File.Exists(FileOf(node)) ? []
        : [.. File.ReadAllText(FileOf(node)).Split('\n').SkipLast(1).Select(line => JsonNode.Parse(line)!)
            .Where(line => (string)line["event"]! == happened)];

    private static string Text(JsonNode line) => string.Join(' ', ((string[])["node", "namespace", "pod", "labels", "protocol", "client",
        "clientPort", "destination", "destinationPort", "server", "egressIP", "egressPort"]).Select(name =>
        line[name] is JsonObject labels ? labels.ToJsonString() : line[name]?.ToString()));
}
