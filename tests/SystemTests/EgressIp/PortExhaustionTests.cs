using System.Net;
using System.Net.Sockets;
using Netlink;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>More connections to one destination than one address has ports for.</summary>
public class PortExhaustionTests(ITestOutputHelper output)
{
    private const int FlowsOfPod = 40_000;

    /// <summary>The ports that the kernel chooses from, if the port of the pod is taken.</summary>
    private const int MostPorts = 65_536 - 1024;

    [RootFact]
    public void Connections_without_a_port_are_counted_and_a_second_address_takes_its_half()
    {
        const string address = EgressCluster.Address4;
        const string second = "192.0.2.101";
        using var cluster = new EgressCluster(addresses: [address], output: output);
        EgressLab lab = cluster.Lab;
        cluster.UntilSource(lab["b1"], EgressLab.Server4, address);
        int holder = Assert.IsType<int>(cluster.HolderOf(address));
        LabPod[] pods = [.. lab.Pods.Where(pod => pod.Node != holder && pod.Name != "a2")];
        Array.ForEach(pods, pod => cluster.UntilSource(pod, EgressLab.Server4, address));
        // No port becomes free while the test runs.
        for (int node = 1; node <= EgressLab.Nodes; node++)
        {
            Lab.WriteSysctl(lab.Node(node), "net/netfilter/nf_conntrack_udp_timeout", "600");
        }

        double Metric(string name, string of = address) => cluster.Agent(holder).Metric($"{name}{{egress_ip=\"{of}\"}}");
        double Failed() => cluster.Agent(holder).Metric("egress_agent_connection_failures_total");
        double before = Failed();
        var watch = new ArrivalWatch(lab.Out);
        SendAll(pods, 8042);
        long arrived = Assert.Single(watch.Packets(8042)).Value;
        output.WriteLine($"{arrived} of {pods.Length * FlowsOfPod}, {Failed() - before} failed");
        // The kernel does not search all ports.
        Assert.InRange(arrived, MostPorts - 4000, MostPorts);
        Assert.InRange(Failed() - before, (pods.Length * FlowsOfPod) - arrived, pods.Length * FlowsOfPod);
        Assert.Equal(arrived, Metric("egress_agent_ports_in_use"));
        Assert.InRange(Metric("egress_agent_connections"), arrived, arrived + 100);

        cluster.Apply("prod", [address, second]);
        Shared.Eventually.IsTrue(() => cluster.HolderOf(second) is not null, () => cluster.Logs(), 10);
        Array.ForEach(pods, pod => cluster.UntilSource(pod, EgressLab.Server4, second));
        before = Failed();
        SendAll(pods, 8043);
        SortedDictionary<string, long> half = watch.Packets(8043);
        output.WriteLine(string.Join(", ", half));
        Assert.Equal([address, second], half.Keys);
        Assert.All(half.Values, count => Assert.InRange(count, 0.95 * FlowsOfPod, 1.05 * FlowsOfPod));
        Assert.Equal(before, Failed());
    }

    /// <summary>One datagram from each port.</summary>
    private static void SendAll(LabPod[] pods, int port)
    {
        var end = new IPEndPoint(IPAddress.Parse(EgressLab.Server4), port);
        Task[] senders = [.. pods.Select(pod => Task.Factory.StartNew(
            () =>
            {
                using NetNamespace inside = NetNamespace.Open(Lab.PathOf(pod.Namespace));
                inside.Run(() =>
                {
                    for (int own = 10_000; own < 10_000 + FlowsOfPod; own++)
                    {
                        using Socket socket = NamespaceSocket.Open(end.AddressFamily, Transport.Udp);
                        socket.Bind(new IPEndPoint(IPAddress.Any, own));
                        socket.SendTo(new byte[1], end);
                    }
                });
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Assert.True(Task.WaitAll(senders, TimeSpan.FromSeconds(60)), "it takes too long");
    }
}
