using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using ApiServer;
using Netlink;
using Netlink.Routing;
using Shared;
using SystemTests.EgressIp;
using Xunit.Abstractions;

namespace SystemTests.Hold;

/// <summary>
/// The two router pods of a <see cref="PairNetwork"/> with a holder each, and the API server. That no address is ever at both pods is
/// checked all the time.
/// </summary>
internal sealed class PairLab : IDisposable
{
    /// <summary>The key of both pods.</summary>
    public const string Key = "0123456789abcdef0123456789abcdef";

    private const string Service = "er";

    private static readonly TimeSpan _sampling = TimeSpan.FromMilliseconds(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-pair-");

    private readonly OperatorProcess?[] _holders = new OperatorProcess?[2];

    private readonly ITestOutputHelper _output;

    private readonly IPAddress[] _addresses;

    private readonly string[] _shared;

    private readonly string[] _more;

    private readonly Repeating? _sampler;

    private readonly NetlinkSocket[] _sockets = [];

    private ImmutableArray<int> _counts = [0, 0];

    public PairLab(ITestOutputHelper output, string[] shared, params string[] more)
    {
        (_output, _shared, _more) = (output, shared, more);
        _addresses = [.. shared.Select(one => IPAddress.Parse(one.Split('/')[0]))];
        try
        {
            Network = new PairNetwork(shared);
            Server = StartServer();
            File.WriteAllText(Path.Combine(_folder.FullName, "key"), Key);
            Server.ApplyYaml($$"""
                apiVersion: v1
                kind: Service
                metadata: {name: {{Service}}, namespace: default}
                spec: {ports: [{name: sql, port: 5432, targetPort: db}]}
                """);
            foreach (int pod in (int[])[0, 1])
            {
                Server.ApplyYaml($$$"""
                    apiVersion: v1
                    kind: Pod
                    metadata: {name: {{{NameOf(pod)}}}, namespace: default, labels: {app: er}}
                    spec:
                      nodeName: n{{{pod}}}
                      containers: [{name: c, image: i, ports: [{name: db, containerPort: {{{PairNetwork.PodPort}}}}]}]
                    status:
                      phase: Running
                      podIPs: [{ip: {{{PairNetwork.ClusterAddress(pod)}}}}, {ip: "{{{PairNetwork.ClusterAddress(pod, isIPv6: true)}}}"}]
                    """);
            }

            _sockets = [.. ((int[])[0, 1]).Select(SocketIn)];
            _sampler = new Repeating(Sample);
            Start(0);
            Start(1);
            Eventually.IsTrue(() => Holder is int holder && Endpoint == PairNetwork.ClusterAddress(holder), Logs, 30);
            UntilBothAreReady();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public PairNetwork Network { get; } = null!;

    public FaultyServer Server { get; } = null!;

    /// <summary>Why the test has failed: an address was at both pods.</summary>
    public string? Fault { get; private set; }

    /// <summary>How often nobody had all addresses.</summary>
    public int Gaps { get; private set; }

    /// <summary>The pod that has all addresses; null: none.</summary>
    public int? Holder
    {
        get
        {
            ImmutableArray<int> counts = _counts;
            return counts[0] == _shared.Length ? 0 : counts[1] == _shared.Length ? 1 : null;
        }
    }

    /// <summary>The address in the EndpointSlice of IPv4.</summary>
    public string? Endpoint => (string?)Slice?["endpoints"]?[0]?["addresses"]?[0];

    public JsonObject? Slice => Server.Get("endpointslices.discovery.k8s.io", $"{Service}-ipv4", "default");

    private string Kubeconfig => Path.Combine(_folder.FullName, "kubeconfig");

    public static string NameOf(int pod) => pod == 0 ? "er-a" : "er-b";

    /// <summary>Whether a request is of a pod's holder.</summary>
    public static Func<ApiRequest, bool> IsOf(int pod) => request => request.UserAgent.Contains(NameOf(pod), StringComparison.Ordinal);

    public OperatorProcess Process(int pod) => _holders[pod]!;

    public void Start(int pod) => _holders[pod] = new OperatorProcess([
        "hold", "--service", Service, "--address", string.Join(',', _shared),
        "--selector", "app=er", "--key-file", Path.Combine(_folder.FullName, "key"), "--pod", NameOf(pod), "--namespace", "default",
        "--kubeconfig", Kubeconfig, "--netns", Lab.PathOf(Network.PodOf(pod)), "--port", "0", .. _more]);

    /// <summary>Waits until either pod could take over from the other.</summary>
    public void UntilBothAreReady() => Eventually.IsTrue(() => _holders.All(holder => holder!.IsReady()), Logs, 10);

    /// <summary>Keeps figures, and shows them with the test.</summary>
    public void Note(string figures)
    {
        Figures.Note(figures);
        _output.WriteLine(figures);
    }

    /// <summary>How many addresses a pod has.</summary>
    public int CountOf(int pod) => _counts[pod];

    /// <summary>Waits until a pod has all addresses and is the endpoint.</summary>
    /// <returns>How long it took until it had the addresses, and until it was the endpoint.</returns>
    public (TimeSpan Taken, TimeSpan Endpoint) UntilHolds(int pod, long since, int seconds = 6)
    {
        Eventually.IsTrue(() => Holder == pod, () => $"{NameOf(pod)} does not take the addresses\n{Logs()}", seconds);
        TimeSpan taken = Stopwatch.GetElapsedTime(since);
        Eventually.IsTrue(() => Endpoint == PairNetwork.ClusterAddress(pod), () => $"{NameOf(pod)} is not the endpoint\n{Logs()}", seconds);
        return (taken, Stopwatch.GetElapsedTime(since));
    }

    public string Logs() =>
        $"{Fault}\n{string.Join("\n", _holders.Select((holder, pod) => $"--- {NameOf(pod)}\n{holder?.Log}"))}";

    public void Dispose()
    {
        foreach (OperatorProcess? holder in _holders)
        {
            holder?.Dispose();
        }

        _output.WriteLine(Logs());
        _sampler?.Dispose();
        Array.ForEach(_sockets, socket => socket.Dispose());
        Server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Network?.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>With a real API server, the pods have the account and the rights of packaging/pair.</summary>
    private FaultyServer StartServer()
    {
        if (RealApiServer.Assets is not string assets)
        {
            KubeApiServer own = KubeApiServer.Start().GetAwaiter().GetResult();
            own.WriteKubeconfig(Kubeconfig);
            return own;
        }

        ProxiedApiServer server = ProxiedApiServer.Start(assets).GetAwaiter().GetResult();
        string[] manifest = File.ReadAllText(Repository.PathOf("packaging", "pair", "pair.yaml")).Split("\n---\n");
        Array.ForEach(
            [.. manifest.Where(one => one.Contains("\nkind: ServiceAccount\n") || one.Contains("\nkind: Role"))], server.ApplyYaml);
        server.WriteKubeconfig(Kubeconfig, "default", Service).GetAwaiter().GetResult();
        return server;
    }

    private NetlinkSocket SocketIn(int pod)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(Network.PodOf(pod)));
        return space.Run(() => NetlinkSocket.OpenRoute());
    }

    private void Sample()
    {
        ImmutableArray<IPAddress>[] there = [.. _sockets.Select(socket => socket.ListAddresses(one => _addresses.Contains(one.Address))
            .Select(one => one.Address).ToImmutableArray())];
        // One is read after the other: only what is still so is a fault.
        IPAddress? both = there[0].FirstOrDefault(there[1].Contains);
        if (both is not null && _sockets[0].ListAddresses(one => both.Equals(one.Address)).Count > 0)
        {
            Fault = $"{both} is at both pods";
        }

        _counts = [there[0].Length, there[1].Length];
        Gaps += Holder is null ? 1 : 0;
        Thread.Sleep(_sampling);
    }
}
