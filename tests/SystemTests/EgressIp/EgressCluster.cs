using System.Text.Json.Nodes;
using ApiServer;
using Shared;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>The laboratory with an API server, a controller, and an agent on each node.</summary>
internal sealed class EgressCluster : IDisposable
{
    public const string Address4 = "192.0.2.100";

    public const string Address6 = "fd00:2::100";

    private const string AssignableLabel = "k8s.ovn.org/egress-assignable";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-egress-");

    private readonly Dictionary<int, OperatorProcess> _agents = [];

    private readonly ITestOutputHelper? _output;

    private readonly bool _ownsLab;

    /// <summary>Makes an EgressIP that selects all pods but a2.</summary>
    /// <param name="lab">Null: with a masquerade by iptables.</param>
    /// <param name="addresses">Null: one of each family.</param>
    /// <param name="output">Gets the logs at the end, which are shown if the test fails.</param>
    /// <param name="ownsLab">Whether the laboratory ends with the cluster.</param>
    public EgressCluster(EgressLab? lab = null, string[]? addresses = null, ITestOutputHelper? output = null, bool ownsLab = true)
    {
        (Lab, _output, _ownsLab) = (lab ?? new EgressLab(), output, ownsLab);
        try
        {
            Server = KubeApiServer.Start().GetAwaiter().GetResult();
            Server.WriteKubeconfig(Kubeconfig);
            foreach (string definition in (string[])["egressips", "egressnodes"])
            {
                Server.ApplyYaml(File.ReadAllText(Repository.PathOf("packaging", "operator", "crds", definition + ".yaml")));
            }

            for (int node = 1; node <= EgressLab.Nodes; node++)
            {
                Server.ApplyYaml($"""
                    apiVersion: v1
                    kind: Node
                    metadata:
                      name: n{node}
                      labels:
                        {AssignableLabel}: ""
                    spec:
                      podCIDRs: [10.244.{node}.0/24, "fd00:244:{node}::/64"]
                    status:
                      addresses:
                      - type: InternalIP
                        address: {EgressLab.AddressOf(node)}
                      - type: InternalIP
                        address: "{EgressLab.Address6Of(node)}"
                      conditions:
                      - type: Ready
                        status: "True"
                    """);
            }

            Server.ApplyYaml("{apiVersion: v1, kind: Namespace, metadata: {name: prod, labels: {env: prod}}}");
            foreach (LabPod pod in Lab.Pods)
            {
                AddPod("prod", pod, pod.Name == "a2" ? "other" : "web");
            }

            Apply("prod", addresses ?? [Address4, Address6]);
            Controller = new OperatorProcess("controller", "--kubeconfig", Kubeconfig, "--namespace", "kube-system", "--port", "0");
            for (int node = 1; node <= EgressLab.Nodes; node++)
            {
                StartAgent(node);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public EgressLab Lab { get; }

    public KubeApiServer Server { get; } = null!;

    public OperatorProcess Controller { get; } = null!;

    private string Kubeconfig => Path.Combine(_folder.FullName, "kubeconfig");

    /// <summary>Makes or changes an EgressIP that selects pods by their label <c>app</c>.</summary>
    public void Apply(string name, string[] addresses, JsonObject? annotations = null, string app = "web") => Server.Apply(new JsonObject
    {
        ["apiVersion"] = "k8s.ovn.org/v1",
        ["kind"] = "EgressIP",
        ["metadata"] = new JsonObject { ["name"] = name, ["annotations"] = annotations },
        ["spec"] = new JsonObject
        {
            ["egressIPs"] = new JsonArray([.. addresses.Select(address => JsonValue.Create(address))]),
            ["namespaceSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["env"] = "prod" } },
            ["podSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = app } },
        },
    });

    public OperatorProcess Agent(int node) => _agents[node];

    public void StartAgent(int node, params string[] more) => StartAgentBy([], node, more);

    /// <summary>Starts an agent by a tracer.</summary>
    public void StartAgentBy(string[] tracer, int node, params string[] more) => _agents[node] = new OperatorProcess(tracer, [
        "agent", "--node", $"n{node}", "--kubeconfig", Kubeconfig, "--netns", SystemTests.Lab.PathOf(Lab.Node(node)), "--port", "0",
        "--log-level", "debug", "--gate-socket", GateSocket(node), .. more]);

    /// <summary>Where the plugin asks the agent of a node.</summary>
    public string GateSocket(int node) => Path.Combine(_folder.FullName, $"n{node}", "agent.sock");

    /// <summary>Runs <c>trace</c> on a node, whose namespace it is given.</summary>
    public CommandResult Trace(int node, params string[] arguments) => TraceBy([], node, arguments);

    /// <summary>As <see cref="Trace"/>, by another program: its path and arguments.</summary>
    public CommandResult TraceBy(string[] wrapper, int node, params string[] arguments)
    {
        string[] command = [.. wrapper, OperatorProcess.Program, "trace", "--node", $"n{node}", "--kubeconfig", Kubeconfig,
            "--netns", SystemTests.Lab.PathOf(Lab.Node(node)), .. arguments];
        return Command.Run(command[0], command[1..]);
    }

    /// <summary>Makes the object of a pod that runs.</summary>
    public void AddPod(string space, LabPod pod, string app) => Server.ApplyYaml($"""
        {PodThatStarts(space, pod, app)}
        status:
          phase: Running
          podIP: {pod.IPv4}
          podIPs:
          - ip: {pod.IPv4}
          - ip: "{pod.IPv6}"
        """);

    /// <summary>Makes the object of a pod that has no address yet.</summary>
    public void AddStartingPod(string space, LabPod pod, string app) => Server.ApplyYaml(PodThatStarts(space, pod, app));

    private static string PodThatStarts(string space, LabPod pod, string app) => $"""
        apiVersion: v1
        kind: Pod
        metadata:
          name: {pod.Name}
          namespace: {space}
          labels:
            app: {app}
        spec:
          nodeName: n{pod.Node}
          containers:
          - name: c
            image: i
        """;

    public void Label(LabPod pod, string app) => Server.Apply(new JsonObject
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Pod",
        ["metadata"] = new JsonObject { ["name"] = pod.Name, ["namespace"] = "prod", ["labels"] = new JsonObject { ["app"] = app } },
    });

    /// <summary>Sets or removes the label of nodes that may hold addresses.</summary>
    public void SetAssignable(int node, bool isAssignable) => Server.Apply(new JsonObject
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Node",
        ["metadata"] = new JsonObject
        {
            ["name"] = $"n{node}",
            ["labels"] = new JsonObject { [AssignableLabel] = isAssignable ? "" : null },
        },
    });

    /// <summary>The node whose link has an address; null: none has.</summary>
    public int? HolderOf(string address)
    {
        int[] holders = [.. Enumerable.Range(1, EgressLab.Nodes).Where(node =>
            SystemTests.Lab.In(Lab.Node(node), "ip", "-o", "address", "show", "dev", "eth0")
                .Contains($" {address}/", StringComparison.Ordinal))];
        return holders.Length > 1 ? throw new InvalidOperationException($"{address} is on nodes {string.Join(", ", holders)}")
            : holders.Length == 1 ? holders[0] : null;
    }

    /// <summary>The node that an EgressIP's status names for an address; null: none.</summary>
    public string? ItemOf(string address) => (string?)Server.Get("egressips", "prod")?["status"]?["items"]?.AsArray()
        .FirstOrDefault(item => (string?)item!["egressIP"] == address)?["node"];

    /// <summary>
    /// Waits until one node has an address, the status names it, no agent misses another, and all know each other for long enough to
    /// decide about each other.
    /// </summary>
    /// <returns>The number of the node.</returns>
    public int UntilStable(string address)
    {
        int? holder = null;
        Eventually.IsTrue(
            () => (holder = HolderOf(address)) is int node && ItemOf(address) == $"n{node}"
                && Server.All("egressnodes").Count(one => one["status"]?["missing"] is null) == EgressLab.Nodes,
            () => $"{address} is on node {holder}, and of {ItemOf(address)}\n{Logs()}", 30);
        // An agent decides nothing about a node that it has not heard for three seconds.
        Thread.Sleep(TimeSpan.FromSeconds(3.5));
        return holder!.Value;
    }

    /// <summary>Waits until a pod leaves with an address.</summary>
    public void UntilSource(LabPod pod, string server, string source, int seconds = 15)
    {
        string? seen = null;
        Eventually.IsTrue(
            () => (seen = EgressLab.Ask(pod, Protocol.Tcp, server, seconds: 1)) == source,
            () => $"{pod.Name} is seen as {seen ?? "nobody"}, not {source}\n{Logs()}", seconds);
    }

    /// <summary>Waits until all selected pods leave with the addresses of both families.</summary>
    public EgressCluster Settled()
    {
        foreach (LabPod pod in Lab.Pods.Where(pod => pod.Name != "a2"))
        {
            UntilSource(pod, EgressLab.Server4, Address4);
            UntilSource(pod, EgressLab.Server6, Address6);
        }

        return this;
    }

    /// <summary>What the processes have logged, for the message of a failure.</summary>
    public string Logs() => string.Join('\n', _agents.Select(agent => $"--- agent {agent.Key}\n{agent.Value.Log}"))
        + $"\n--- controller\n{Controller.Log}";

    public void Dispose()
    {
        foreach (OperatorProcess agent in _agents.Values)
        {
            agent.Dispose();
        }

        Controller?.Dispose();
        if (_output is not null && Controller is not null)
        {
            _output.WriteLine(Logs());
        }

        Server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        if (_ownsLab)
        {
            Lab.Dispose();
        }

        _folder.Delete(recursive: true);
    }
}
