using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>Other programs that change what agents have made.</summary>
public class DriftTests(ITestOutputHelper output)
{
    /// <summary>A machine that runs all tests has other things to do too: alone it takes a fraction of a second.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(3);

    /// <summary>What keeps packets from leaving otherwise is itself gone for a moment.</summary>
    private static readonly string[] _selection =
        ["flush ruleset", "delete table inet egress_ip", "flush chain inet egress_ip classify", "flush map inet egress_ip pods4"];

    [RootFact]
    public void What_others_change_is_put_back_and_no_other_node_notices()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        int holder = cluster.UntilStable(EgressCluster.Address4);
        LabPod pod = lab.PodOn((holder % EgressLab.Nodes) + 1);
        (string node, string egressNode) = (lab.Node(pod.Node), lab.Node(holder));
        (string Node, string[] Command)[] changes =
        [
            .. _selection.Select(command => (node, (string[])["nft", command])),
            (node, ["nft", $"delete element inet egress_ip pods4 {{ {pod.IPv4} }}"]),
            (node, ["nft", "flush map inet egress_ip slots"]),
            (node, ["ip", "rule", "delete", "priority", "40"]),
            (node, ["ip", "-6", "rule", "delete", "priority", "40"]),
            (node, ["ip", "route", "flush", "table", "7101"]),
            (node, ["ip", "link", "set", "egress0", "down"]),
            (node, ["ip", "link", "delete", "egress0"]),
            (egressNode, ["nft", $"delete element inet egress_ip members4 {{ {pod.IPv4} }}"]),
            (egressNode, ["nft", $"delete element inet egress_ip snat4 {{ {pod.IPv4} }}"]),
            (egressNode, ["nft", $"delete element inet egress_ip addresses4 {{ {EgressCluster.Address4} }}"]),
            (egressNode, ["ip", "route", "flush", "table", "7226"]),
            (egressNode, ["ip", "address", "delete", $"{EgressCluster.Address4}/32", "dev", "eth0"]),
            (egressNode, ["ip", "link", "set", "egress0", "mtu", "1400"]),
            (egressNode, ["ip", "address", "flush", "dev", "egress0"]),
            (egressNode, ["sysctl", "-qw", "net.ipv4.conf.egress0.rp_filter=1"]),
        ];
        var watch = new ArrivalWatch(lab.Out);
        using var flows = new NewFlows(pod.Namespace, EgressLab.Server4);
        foreach ((string changed, string[] command) in changes)
        {
            string name = string.Join(' ', command);
            int number = changed == node ? pod.Node : holder;
            int[] others = [.. Enumerable.Range(1, EgressLab.Nodes).Where(other => other != number)];
            string before = NodeState.Of(changed);
            string[] logs = [.. others.Select(other => cluster.Agent(other).Log)];
            watch.Forget();
            long sent = flows.Sent;
            long began = Stopwatch.GetTimestamp();
            Lab.In(changed, command);
            Eventually.IsTrue(
                () => NodeState.Of(changed) == before,
                () => $"{name}\n{before}\n---\n{NodeState.Of(changed)}\n{cluster.Logs()}");
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            double interval = took.TotalMilliseconds / Math.Max(1, flows.Sent - sent);
            Dictionary<string, long> strangers = watch.Packets().Where(source => source.Key != EgressCluster.Address4).ToDictionary();
            double window = strangers.Values.Sum() * interval;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{name}: {took.TotalSeconds:0.00} s, {window:0} ms with another source"));
            Assert.True(took < _longest, $"{name}: {took}");
            if (command[^1] == _selection[0])
            {
                Figures.Note(string.Create(CultureInfo.InvariantCulture, $"EgressIP nft flush ruleset: {window:0} ms with another source"));
                lab.AddMasquerade(Masquerade.IptablesNft);
            }

            bool isSelection = _selection.Contains(command[^1]) || command[^1].Contains("pods4", StringComparison.Ordinal);
            Assert.True(strangers.Count == 0 || isSelection, name);
            Assert.Equal(logs, others.Select(other => cluster.Agent(other).Log));
        }

        cluster.Settled();
    }

    /// <summary>Datagrams of a pod, each from another port.</summary>
    private sealed class NewFlows : IDisposable
    {
        private readonly IPEndPoint _server;

        private readonly string _space;

        private readonly Repeating _sending;

        private long _sent;

        public NewFlows(string space, string server)
        {
            (_space, _server) = (space, new IPEndPoint(IPAddress.Parse(server), 8042));
            _sending = new Repeating(Send);
        }

        public long Sent => Volatile.Read(ref _sent);

        public void Dispose() => _sending.Dispose();

        private void Send()
        {
            using Socket socket = NamespaceSocket.Open(_space, _server.AddressFamily, Transport.Udp);
            socket.SendTo(new byte[1], _server);
            Interlocked.Increment(ref _sent);
            Thread.Sleep(1);
        }
    }
}
