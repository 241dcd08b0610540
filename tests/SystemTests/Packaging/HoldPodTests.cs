using System.Globalization;
using Shared;
using SystemTests.EgressIp;
using SystemTests.Hold;
using YamlDotNet.RepresentationModel;
using static SystemTests.Packaging.Manifest;

namespace SystemTests.Packaging;

/// <summary>
/// The container "hold" as the Deployment of a pair runs it: in the network of its pod, with nothing but what it has. As on many cluster
/// networks, only the default route leads to the API server and to the other pod; ADD has led it to the egress interface.
/// </summary>
public sealed class HoldPodTests : IDisposable
{
    private const string Address = "192.0.2.100";

    private const string ServerAddress = "10.96.0.1";

    private const int ServerPort = 6443;

    private static readonly int[] _both = [0, 1];

    private static readonly YamlNode _container = Containers(
        Assert.Single(Read("packaging/pair/pair.yaml", "Deployment"))["spec"]["template"]["spec"])
        .Single(one => Text(one["name"]) == "hold");

    /// <summary>With all that the pods need: they do not see /tmp, where the repository may be.</summary>
    private readonly DirectoryInfo _folder = Directory.CreateDirectory($"/var/tmp/er-hold-{Guid.NewGuid():n}");

    private readonly PairNetwork _network = new([$"{Address}/24"], isRouted: true);

    private readonly BackgroundProcess?[] _pods = new BackgroundProcess?[2];

    private readonly List<BackgroundProcess> _servers = [];

    public void Dispose()
    {
        foreach (BackgroundProcess? process in _pods.Concat(_servers))
        {
            process?.Dispose();
        }

        _network.Dispose();
        _folder.Delete(recursive: true);
    }

    [RootFact]
    public void Two_of_them_work_as_a_pair_with_the_capabilities_of_their_container()
    {
        string[] capabilities = Container.Capabilities(_container);
        StartServer();
        Start(0, capabilities);
        Start(1, capabilities);
        _pods[0]!.WaitUntil(() => _both.Any(HasAddress) && _both.All(IsReady));
        int holder = Assert.Single(_both, HasAddress);
        // Each hears the other one.
        Assert.All(_both, pod => Assert.InRange(Metric(pod, "egress_pair_answer_age_seconds"), 0, 0.5));
        _pods[holder]!.Dispose();
        _pods[1 - holder]!.WaitUntil(() => HasAddress(1 - holder));
    }

    /// <summary>Without NET_ADMIN it can take no address; without NET_RAW it cannot ask whether one is free.</summary>
    [RootTheory]
    [InlineData("NET_ADMIN")]
    [InlineData("NET_RAW")]
    public void It_needs_each_of_them(string capability)
    {
        string[] capabilities = Container.Capabilities(_container);
        Assert.Contains(capability, capabilities);
        StartServer();
        Start(0, [.. capabilities.Where(one => one != capability)]);
        Assert.False(Eventually.Becomes(() => HasAddress(0), seconds: 5));
    }

    private void StartServer()
    {
        string objects = Path.Combine(_folder.FullName, "objects.yaml"), kubeconfig = Path.Combine(_folder.FullName, "kubeconfig");
        string[] pods = [.. _both.Select(pod => $$$"""
            apiVersion: v1
            kind: Pod
            metadata: { name: {{{PairLab.NameOf(pod)}}}, namespace: default, labels: { app: er } }
            spec: { nodeName: n{{{pod}}}, containers: [{ name: c, image: i }] }
            status: { phase: Running, podIPs: [{ ip: {{{PairNetwork.ClusterAddress(pod)}}} }] }
            """)];
        string service = string.Join('\n', "apiVersion: v1", "kind: Service", "metadata: { name: er, namespace: default }",
            "spec: { ports: [{ port: 5432 }] }");
        File.WriteAllText(objects, string.Join("\n---\n", [service, .. pods]));
        File.WriteAllText(Path.Combine(_folder.FullName, "key"), PairLab.Key);
        File.Copy(OperatorProcess.Program, Path.Combine(_folder.FullName, "egress-operator"));
        _servers.Add(Container.StartApiServer(_network.Lan, kubeconfig, objects));
        Lab.Batch(_network.Lan, $"address add {ServerAddress}/32 dev lo");
        string text = File.ReadAllText(kubeconfig);
        const string Own = "http://127.0.0.1:";
        string port = new([.. text[(text.IndexOf(Own, StringComparison.Ordinal) + Own.Length)..].TakeWhile(char.IsAsciiDigit)]);
        File.WriteAllText(kubeconfig, text.Replace(
            Own + port, string.Create(CultureInfo.InvariantCulture, $"http://{ServerAddress}:{ServerPort}"), StringComparison.Ordinal));
        _servers.Add(new BackgroundProcess(
            _network.Lan, "socat", $"TCP-LISTEN:{ServerPort},bind={ServerAddress},reuseaddr,fork", $"TCP:127.0.0.1:{port}"));
    }

    private void Start(int pod, string[] capabilities)
    {
        string[] arguments = [.. List(_container, "args").Select(Text).Select(argument => argument
            .Replace("192.168.12.99/24", $"{Address}/24", StringComparison.Ordinal)
            .Replace("192.168.12.1", "192.0.2.1", StringComparison.Ordinal)
            .Replace("/etc/egress-pair", _folder.FullName, StringComparison.Ordinal))];
        _pods[pod] = Container.Start(_network.PodOf(pod), writable: "", capabilities, [
            $"POD_NAME={PairLab.NameOf(pod)}", Path.Combine(_folder.FullName, "egress-operator"), .. arguments,
            "--kubeconfig", Path.Combine(_folder.FullName, "kubeconfig")]);
    }

    private bool IsReady(int pod) => Answer(pod, "readyz").EndsWith("\n200", StringComparison.Ordinal);

    private bool HasAddress(int pod) =>
        Lab.In(_network.PodOf(pod), "ip", "-o", "address", "show", "dev", "net1").Contains($" {Address}/", StringComparison.Ordinal);

    private double Metric(int pod, string name) => double.Parse(
        Answer(pod, "metrics").Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal))[(name.Length + 1)..],
        CultureInfo.InvariantCulture);

    /// <summary>The answer, and on a line of its own the status code.</summary>
    private string Answer(int pod, string path) => Command.Run(
        "nsenter", ["--net=" + Lab.PathOf(_network.PodOf(pod)), "curl", "-s", "-m", "2", "-w", "\n%{http_code}",
            $"http://127.0.0.1:9442/{path}"]).Stdout;
}
