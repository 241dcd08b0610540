using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ApiServer;

namespace EgressOperator.Tests;

/// <summary>An agent on a real API server. It may do what the roles of packaging/operator allow.</summary>
public class AgentOnRealServerTests(PackagedServer packaged) : IClassFixture<PackagedServer>
{
    private const string Nodes = "/api/v1/nodes";

    private const string EgressNodes = "/apis/egressip.egress-router-cni.io/v1alpha1/egressnodes";

    [RealServerRootFact]
    public async Task It_makes_and_keeps_the_EgressNode_of_its_node()
    {
        Kubectl kubectl = packaged.Kubectl;
        kubectl.Must("apply -f -", """
            apiVersion: v1
            kind: Node
            metadata: { name: agent-node, labels: { k8s.ovn.org/egress-assignable: "" } }
            """);
        string kubeconfig = await packaged.Server.KubeconfigForAsync(PackagedServer.Namespace, PackagedServer.AgentAccount);
        using var space = new Space();
        using Process agent = Operator.Start(["agent", "--node", "agent-node", "--netns", space.Path, "--kubeconfig", kubeconfig, "--port",
            "0"]);
        Task<string> log = agent.StandardError.ReadToEndAsync();
        try
        {
            // It has read all kinds, and may make the object and write its status.
            JsonNode made = await UntilAsync(node => (string?)ReadyOf(node)?["status"] == "True");
            string uid = (string)(await packaged.Server.Admin.GetAsync($"{Nodes}/agent-node")).Body["metadata"]!["uid"]!;
            Assert.Equal(uid, (string?)made["metadata"]!["ownerReferences"]![0]!["uid"]);

            // It may watch: it sees what changes after its first list.
            kubectl.Must("apply -f -", """
                apiVersion: k8s.ovn.org/v1
                kind: EgressIP
                metadata: { name: agent }
                spec: { egressIPs: [203.0.113.9], namespaceSelector: {} }
                status: { items: [{ node: agent-node, egressIP: 203.0.113.9 }] }
                """);
            space.Run("ip link add eth0 type veth peer name neighbor");
            space.Run("ip address add 203.0.113.1/24 dev eth0");
            space.Run("ip link set neighbor up");
            space.Run("ip link set eth0 up");
            await UntilAsync(node => node["status"]?["egressIPs"]?[0] is JsonNode held && (string)held! == "203.0.113.9");
        }
        finally
        {
            agent.Kill();
        }

        Assert.DoesNotContain(" 403", await log, StringComparison.Ordinal);
    }

    private static JsonNode? ReadyOf(JsonNode node) =>
        node["status"]?["conditions"]?.AsArray().FirstOrDefault(condition => (string?)condition!["type"] == "Ready");

    private async Task<JsonNode> UntilAsync(Func<JsonNode, bool> holds)
    {
        ApiAnswer? answer = null;
        for (int attempt = 0; attempt < 150; attempt++)
        {
            answer = await packaged.Server.Admin.GetAsync($"{EgressNodes}/agent-node");
            if (answer.Status == 200 && holds(answer.Body))
            {
                return answer.Body;
            }

            await Task.Delay(200);
        }

        throw new TimeoutException($"{answer}");
    }

    /// <summary>A network namespace, which goes with a process.</summary>
    private sealed class Space : IDisposable
    {
        private readonly Process _holder = Process.Start("unshare", ["--net", "sleep", "120"]);

        public string Path => $"/proc/{_holder.Id.ToString(CultureInfo.InvariantCulture)}/ns/net";

        public void Run(string command)
        {
            using Process run = Process.Start("nsenter", [$"--net={Path}", .. command.Split(' ')]);
            Assert.True(run.WaitForExit(TimeSpan.FromSeconds(10)) && run.ExitCode == 0, command);
        }

        public void Dispose()
        {
            _holder.Kill();
            _holder.WaitForExit();
            _holder.Dispose();
        }
    }
}
