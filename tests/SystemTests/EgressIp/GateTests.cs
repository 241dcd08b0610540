using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>The plugin as the last one of a cluster network's list, and the agent of the node that it asks.</summary>
public class GateTests(ITestOutputHelper output)
{
    private const int Few = 20;

    /// <summary>
    /// How many pods connect at once: EGRESS_IP_PODS, or 200. For 1,000, the kernel's neighbor table, which all namespaces share, must be
    /// larger than by default: net.ipv4.neigh.default.gc_thresh3, and the same of IPv6.
    /// </summary>
    private static readonly int _many = int.TryParse(
        Environment.GetEnvironmentVariable("EGRESS_IP_PODS"), CultureInfo.InvariantCulture, out int pods) ? pods : 200;

    [RootFact]
    public void The_first_packet_of_a_pod_has_the_egress_address()
    {
        using EgressCluster cluster = ClusterWithAddressOn(1);
        EgressLab lab = cluster.Lab;
        using var network = new ClusterNetwork(cluster, timeout: 10);
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        LabPod[] pods = lab.AddPods("web", Few);
        var watch = new ArrivalWatch(lab.Out);
        long held = lab.Counter(1, "held");
        List<TimeSpan> times = Start(pods, "web", EgressCluster.Address4);
        Assert.Equal([EgressCluster.Address4], watch.Packets().Keys);
        Assert.Equal(held, lab.Counter(1, "held"));
        Assert.All(pods, pod => network.Check(pod).AssertSilentSuccess());

        List<TimeSpan> otherTimes = Start(lab.AddPods("other", Few), "other", EgressLab.AddressOf(1));
        Note("EgressIP, ADD of a selected pod, with the cluster network's plugin", times);
        Note("EgressIP, ADD of another pod", otherTimes);
        // After DEL, the address may be another pod's.
        network.Delete(pods[0]).AssertSilentSuccess();
        Eventually.IsTrue(() => SourceOf(pods[0], server) == EgressLab.AddressOf(1), cluster.Logs);

        // As a kubelet: it tells the API the address of a pod only after its containers have started.
        List<TimeSpan> Start(LabPod[] started, string app, string source) => [.. started.Select(pod =>
        {
            cluster.AddStartingPod("prod", pod, app);
            long began = Stopwatch.GetTimestamp();
            network.Start(pod);
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            Assert.Equal((pod.Name, source), (pod.Name, SourceOf(pod, server)));
            return took;
        })];
    }

    /// <summary>The other node learns of the pod by the API: until then it lets nothing of the pod out.</summary>
    [RootFact]
    public void If_another_node_holds_the_address_packets_wait_until_it_knows_the_pod()
    {
        using EgressCluster cluster = ClusterWithAddressOn(2);
        EgressLab lab = cluster.Lab;
        using var network = new ClusterNetwork(cluster, timeout: 10);
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        var watch = new ArrivalWatch(lab.Out);
        foreach (LabPod pod in lab.AddPods("web", 3))
        {
            cluster.AddStartingPod("prod", pod, "web");
            network.Start(pod);
            Assert.True(SourceOf(pod, server, 0.5) is null or EgressCluster.Address4, pod.Name);
            cluster.AddPod("prod", pod, "web");
            Eventually.IsTrue(() => SourceOf(pod, server, 0.5) == EgressCluster.Address4, cluster.Logs);
        }

        Assert.Equal([EgressCluster.Address4], watch.Packets().Keys);
    }

    [RootFact]
    public void A_selected_pod_does_not_start_while_its_node_is_not_prepared()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        using var network = new ClusterNetwork(cluster, timeout: 1);
        string path = cluster.GateSocket(1);
        LabPod[] pods = lab.AddPods("web", 4);
        cluster.AddStartingPod("prod", pods[0], "web");
        cluster.AddStartingPod("prod", pods[1], "other");
        network.Start(pods[0]);
        network.Delete(pods[0]).AssertSilentSuccess();

        AssertFails(pods[2], 1, $"pod prod/{pods[2].Name}: after 1 s, the agent of node n1 has not heard of the pod from the API server");

        // Another program reads the same marks: the agent changes nothing.
        Lab.In(lab.Node(1), "ip", "rule", "add", "fwmark", "1/1", "lookup", "5000");
        Eventually.IsTrue(() => !cluster.Agent(1).IsReady(), cluster.Logs);
        AssertFails(pods[0], 1, $"pod prod/{pods[0].Name}: after 1 s, the node is not as it is to be: a routing rule of another program");
        network.Start(pods[1]);
        Lab.In(lab.Node(1), "ip", "rule", "delete", "fwmark", "1/1", "lookup", "5000");
        Eventually.IsTrue(() => cluster.Agent(1).IsReady(), cluster.Logs);
        network.Start(pods[0]);

        // It does not answer.
        cluster.Agent(1).Signal("STOP");
        AssertFails(pods[0], 1, $"the egress-operator agent of this node does not answer at {path} (");
        cluster.Agent(1).Signal("CONT");
        network.Check(pods[0]).AssertSilentSuccess();

        cluster.Agent(1).Kill();
        AssertFails(pods[0], 0, $"the egress-operator agent of this node does not answer at {path} (Connection refused): without it, "
            + "the pod's packets could leave with a wrong source address");
        network.Check(pods[0]).AssertErrorNaming([11], path);
        network.Delete(pods[0]).AssertSuccess();
        cluster.StartAgent(1);
        Eventually.IsTrue(() => network.Add(pods[0]).ExitCode == 0, cluster.Logs, 15);

        void AssertFails(LabPod pod, int seconds, string message)
        {
            long began = Stopwatch.GetTimestamp();
            network.Add(pod).AssertErrorNaming([11], message);
            // The plugin gives the agent one more second to say why.
            Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, seconds, seconds + 3);
        }
    }

    [RootFact]
    public void Without_the_plugin_packets_leave_with_the_address_of_the_node_for_a_moment()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        List<TimeSpan> windows = [];
        foreach (LabPod pod in lab.AddPods("web", Few))
        {
            long began = Stopwatch.GetTimestamp();
            cluster.AddPod("prod", pod, "web");
            windows.Add(UntilEgressAddress(pod, began));
        }

        Note("EgressIP without the plugin, from the pod's address in the API to its first packet with the egress address", windows);
        Assert.True(windows.Max() < TimeSpan.FromSeconds(5), $"{windows.Max()}");
    }

    [RootFact]
    public async Task Pods_that_connect_at_once_leak_nothing_with_the_plugin_and_are_counted_without_it()
    {
        using EgressCluster cluster = ClusterWithAddressOn(1);
        EgressLab lab = cluster.Lab;
        using var network = new ClusterNetwork(cluster, timeout: 30);
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        var watch = new ArrivalWatch(lab.Out);

        int without = await LeaksAsync("early", pod => cluster.AddPod("prod", pod, "web"));
        // So a leak is seen where there is one.
        Assert.True(without > 0, "no packet leaked without the plugin");
        watch.Forget();
        int with = await LeaksAsync("gated", pod =>
        {
            cluster.AddStartingPod("prod", pod, "web");
            network.Start(pod);
        });
        Figures.Note($"EgressIP: {_many} pods that connect at once: {with} leaks with the plugin, {without} without it");
        Assert.Equal(0, with);
        Assert.Equal([EgressCluster.Address4], watch.Packets().Keys);

        async Task<int> LeaksAsync(string name, Action<LabPod> start)
        {
            var sources = new ConcurrentBag<string?>();
            LabPod[] pods = lab.AddPods(name, _many);
            await Parallel.ForEachAsync(pods, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (pod, _) =>
            {
                await Task.Run(() => start(pod), CancellationToken.None);
                sources.Add((await Question.AskAsync(
                    pod.Namespace, Transport.Tcp, server, server.Address, TellingServer.Port, 5, pod.IPv4))?.Source);
            });
            output.WriteLine($"{name}: " + string.Join(", ", sources.GroupBy(source => source)
                .Select(group => $"{group.Count()} as {group.Key ?? "nobody"}")));
            return sources.Count(source => source != EgressCluster.Address4);
        }
    }

    /// <summary>A cluster with one egress address, which is on that node.</summary>
    private EgressCluster ClusterWithAddressOn(int holder)
    {
        var cluster = new EgressCluster(addresses: [EgressCluster.Address4], output: output);
        foreach (int other in Enumerable.Range(1, EgressLab.Nodes).Where(node => node != holder))
        {
            cluster.SetAssignable(other, false);
        }

        if (!Eventually.Becomes(() => cluster.HolderOf(EgressCluster.Address4) == holder, 20))
        {
            cluster.Dispose();
            Assert.Fail($"n{holder} has not got the address");
        }

        cluster.UntilSource(cluster.Lab["a1"], EgressLab.Server4, EgressCluster.Address4);
        return cluster;
    }

    private static string? SourceOf(LabPod pod, TellingServer server, double seconds = 5) => Question.AskAsync(
        pod.Namespace, Transport.Tcp, server, server.Address, TellingServer.Port, seconds, pod.IPv4).GetAwaiter().GetResult()?.Source;

    /// <summary>Sends datagrams, each of a connection of its own, until one comes with the egress address.</summary>
    private static TimeSpan UntilEgressAddress(LabPod pod, long began)
    {
        var server = new IPEndPoint(IPAddress.Parse(EgressLab.Server4), TellingServer.Port);
        var buffer = new byte[100];
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < 10)
        {
            using Socket socket = NamespaceSocket.Open(pod.Namespace, server.AddressFamily, Transport.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(pod.IPv4), 0));
            socket.ReceiveTimeout = 20;
            socket.Connect(server);
            TimeSpan sent = Stopwatch.GetElapsedTime(began);
            socket.Send(new byte[1]);
            try
            {
                if (Question.Read(buffer.AsSpan(0, socket.Receive(buffer)), socket)?.Source == EgressCluster.Address4)
                {
                    return sent;
                }
            }
            catch (SocketException)
            {
                // No answer: the next one is sent.
            }
        }

        throw new TimeoutException($"{pod.Name} has no egress address");
    }

    private void Note(string what, List<TimeSpan> times)
    {
        times.Sort();
        double median = times[times.Count / 2].TotalMilliseconds;
        string line = string.Create(CultureInfo.InvariantCulture,
            $"{what}: median {median:0} ms, longest {times[^1].TotalMilliseconds:0} ms, of {times.Count}");
        output.WriteLine(line);
        Figures.Note(line);
    }

    /// <summary>What a runtime of node 1 does with a list of two plugins: one for the cluster network, and the gate.</summary>
    private sealed class ClusterNetwork : IDisposable
    {
        /// <summary>The laboratory has made the pod's network; what the plugin of a real one would answer is in a file.</summary>
        private const string Plugin = """
            #!/bin/sh
            [ "$CNI_COMMAND" != ADD ] || cat "${0%/*}/$CNI_CONTAINERID"
            """;

        private readonly EgressCluster _cluster;

        private readonly Runtime _runtime;

        private readonly string _list;

        public ClusterNetwork(EgressCluster cluster, int timeout)
        {
            _cluster = cluster;
            _runtime = new Runtime(cluster.Lab.Node(1));
            string plugin = Path.Combine(_runtime.Folder, "cluster-network");
            File.WriteAllText(plugin, Plugin);
            File.SetUnixFileMode(plugin, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            _list = new JsonObject
            {
                ["cniVersion"] = "1.0.0",
                ["name"] = "cluster",
                ["plugins"] = new JsonArray(
                    new JsonObject { ["type"] = "cluster-network" },
                    new JsonObject
                    {
                        ["type"] = "egress-router",
                        ["egressIP"] = true,
                        ["agentSocket"] = cluster.GateSocket(1),
                        ["timeout"] = timeout,
                    }),
            }.ToJsonString();
        }

        public CommandResult Add(LabPod pod)
        {
            File.WriteAllText(Path.Combine(_runtime.Folder, pod.Name), $$"""
                {
                  "cniVersion": "1.0.0",
                  "interfaces": [{ "name": "eth0", "sandbox": "{{Lab.PathOf(pod.Namespace)}}" }],
                  "ips": [{ "interface": 0, "address": "{{pod.IPv4}}/32" }, { "interface": 0, "address": "{{pod.IPv6}}/128" }]
                }
                """);
            return _runtime.Add(_list, Conf(pod));
        }

        /// <summary>ADD, which must succeed.</summary>
        public void Start(LabPod pod)
        {
            CommandResult result = Add(pod);
            Assert.True(result.ExitCode == 0, $"{pod.Name}: {result}");
        }

        public CommandResult Check(LabPod pod) => _runtime.Check(_list, Conf(pod));

        public CommandResult Delete(LabPod pod) => _runtime.Delete(_list, Conf(pod));

        public void Dispose() => _runtime.Dispose();

        private RuntimeConf Conf(LabPod pod) => new(pod.Name, Lab.PathOf(pod.Namespace), "eth0")
        {
            Args = $"IgnoreUnknown=1;K8S_POD_NAMESPACE=prod;K8S_POD_NAME={pod.Name};"
                + $"K8S_POD_UID={_cluster.Server.Get("pods", pod.Name, "prod")?["metadata"]?["uid"]}",
        };
    }
}
