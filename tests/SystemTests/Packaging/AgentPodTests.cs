using Shared;
using SystemTests.EgressIp;
using YamlDotNet.RepresentationModel;
using static SystemTests.Packaging.Manifest;

namespace SystemTests.Packaging;

/// <summary>The agent as the DaemonSet runs it: on the network of its node, with nothing but what its container has.</summary>
public sealed class AgentPodTests : IDisposable
{
    private const string Address = "192.0.2.100";

    private const string Objects = $$"""
        apiVersion: v1
        kind: Node
        metadata: { name: node1, labels: { k8s.ovn.org/egress-assignable: "" } }
        spec: { podCIDRs: [10.244.1.0/24] }
        status: { addresses: [{ type: InternalIP, address: 192.0.2.11 }], conditions: [{ type: Ready, status: "True" }] }
        ---
        apiVersion: k8s.ovn.org/v1
        kind: EgressIP
        metadata: { name: prod }
        spec: { egressIPs: [{{Address}}], namespaceSelector: {} }
        status: { items: [{ node: node1, egressIP: {{Address}} }] }
        """;

    private static readonly YamlNode _container = Assert.Single(
        Containers(Assert.Single(Read("packaging/operator/agent.yaml", "DaemonSet"))["spec"]["template"]["spec"]));

    /// <summary>With all that the agent needs: it does not see /tmp, where the repository may be.</summary>
    private readonly DirectoryInfo _folder = Directory.CreateDirectory($"/var/tmp/er-agent-{Guid.NewGuid():n}");

    private readonly EgressLab _lab = new();

    private BackgroundProcess? _server;

    private BackgroundProcess? _agent;

    public void Dispose()
    {
        _agent?.Dispose();
        _server?.Dispose();
        _lab.Dispose();
        _folder.Delete(recursive: true);
    }

    [RootFact]
    public void It_works_with_the_capabilities_of_its_container()
    {
        Start(Capabilities());
        _agent!.WaitUntil(() => HasAddress() && Answer("readyz") == "200");
        Assert.Equal("200", Answer("healthz"));
        Assert.True(File.Exists($"/proc/{_agent.Id}/root/run/egress-router-cni/agent.sock"), "the plugin has nobody to ask");
        Assert.Contains("egress0", Lab.In(_lab.Node(1), "ip", "link"), StringComparison.Ordinal);
    }

    /// <summary>Without NET_ADMIN it changes nothing; without NET_RAW it cannot ask whether an address is free, and takes none.</summary>
    [RootTheory]
    [InlineData("NET_ADMIN")]
    [InlineData("NET_RAW")]
    public void It_needs_each_of_them(string capability)
    {
        Assert.Contains(capability, Capabilities());
        Start([.. Capabilities().Where(one => one != capability)]);
        Assert.False(Eventually.Becomes(HasAddress, seconds: 5));
    }

    private static string[] Capabilities() => Container.Capabilities(_container);

    private void Start(string[] capabilities)
    {
        string objects = Path.Combine(_folder.FullName, "objects.yaml"), kubeconfig = Path.Combine(_folder.FullName, "kubeconfig");
        File.WriteAllText(objects, Objects);
        string program = Path.Combine(_folder.FullName, "egress-operator");
        File.Copy(OperatorProcess.Program, program);
        string crds = Repository.PathOf("packaging", "operator", "crds");
        _server = Container.StartApiServer(
            _lab.Node(1), kubeconfig, Path.Combine(crds, "egressips.yaml"), Path.Combine(crds, "egressnodes.yaml"), objects);
        string[] arguments = [.. List(_container, "args").Select(Text)
            .Select(argument => argument.Replace("$(NODE_NAME)", "node1", StringComparison.Ordinal))];
        // The folder of the socket.
        _agent = Container.Start(
            _lab.Node(1), writable: "/run/egress-router-cni", capabilities, [program, .. arguments, "--kubeconfig", kubeconfig]);
    }

    private bool HasAddress() =>
        Lab.In(_lab.Node(1), "ip", "-o", "address", "show", "dev", "eth0").Contains($" {Address}/", StringComparison.Ordinal);

    private string Answer(string path) => Command.Run(
        "nsenter", ["--net=" + Lab.PathOf(_lab.Node(1)), "curl", "-s", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}",
            $"http://127.0.0.1:9441/{path}"]).Stdout;
}
