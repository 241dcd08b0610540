using System.Globalization;
using System.Text.RegularExpressions;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>Addresses that move because somebody wants it: the label is taken from their node.</summary>
public partial class PlannedMoveTests(ITestOutputHelper output)
{
    private const int ConnectionsPerSecond = 1000;

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_connection_fails_and_none_ends(bool isIPv6)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        using var server = new TellingServer(lab.Out, isIPv6 ? EgressLab.Server6 : EgressLab.Server4);
        int before = cluster.UntilStable(egress);
        LabPod[] pods = [lab["a1"], lab["b1"], lab["c1"]];
        Talk[] talks = [.. pods.SelectMany(pod => ((bool[])[true, false]).Select(sends => new Talk(pod.Namespace, server, sends)))];
        var watch = new ArrivalWatch(lab.Out);
        // One on the node that gives the address away, one on another.
        using var load = new Load(lab.PodOn(before).Namespace, server, ConnectionsPerSecond / 2);
        using var load2 = new Load(lab.PodOn((before % EgressLab.Nodes) + 1).Namespace, server, ConnectionsPerSecond / 2);
        Thread.Sleep(TimeSpan.FromSeconds(1));
        cluster.SetAssignable(before, false);
        Eventually.IsTrue(() => cluster.HolderOf(egress) is int now && now != before, () => $"it does not move\n{cluster.Logs()}", 15);
        Thread.Sleep(TimeSpan.FromSeconds(3));

        LoadResult[] loads = [load.End(), load2.End()];
        TalkResult[] results = [.. talks.Select(talk => talk.End())];
        output.WriteLine($"{string.Join("\n", loads.AsEnumerable())}\n{string.Join("\n", results.AsEnumerable())}");
        Figures.Note(string.Create(CultureInfo.InvariantCulture,
            $"EgressIP planned move ({(isIPv6 ? "IPv6" : "IPv4")}): {loads.Sum(one => one.Connections)} connections, slowest "
            + $"{loads.Max(one => one.Slowest.TotalSeconds):0.00} s; longest gap of open ones {results.Max(one => one.Longest.TotalSeconds):0.00} s"));
        Assert.All(loads, one => Assert.True(one.Failures.Count == 0 && one.Connections > 500, $"{one}"));
        Assert.All(loads, one => Assert.Equal([egress], one.Sources));
        // TCP sends again after 0.2 s, 0.4 s and 0.8 s.
        Assert.All(results, result => Assert.True(result is { Fault: null, Longest.TotalSeconds: < 2 }, $"{result}"));
        Assert.Equal([egress], watch.Sources(isIPv6));
    }

    /// <summary>Both see each other's last packet from the old node long before: only the outside speaks, and only afterwards.</summary>
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_silent_connection_goes_on_when_the_outside_speaks(bool isIPv6)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        int before = cluster.UntilStable(egress);
        SilentConnection[] open = [.. lab.Pods.Where(pod => pod.Name != "a2")
            .Select((pod, index) => new SilentConnection(lab.Out, isIPv6 ? EgressLab.Server6 : EgressLab.Server4, 8050 + index, pod))];
        cluster.SetAssignable(before, false);
        Eventually.IsTrue(() => cluster.HolderOf(egress) is int now && now != before, () => $"it does not move\n{cluster.Logs()}", 15);
        foreach (SilentConnection one in open)
        {
            using (one)
            {
                TimeSpan took = one.Speak();
                output.WriteLine($"{one.Pod.Name}: {took.TotalSeconds:0.00} s");
                Assert.True(took.TotalSeconds < 1, $"{one.Pod.Name}: {took}");
            }
        }
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_neighbor_with_a_fresh_entry_learns_the_new_node_within_100_ms(bool isIPv6)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        int before = cluster.UntilStable(egress);
        // Nobody sends to the address, and the entry is fresh: it is not asked again by itself.
        Lab.In(lab.Out, "ip", "neigh", "replace", egress, "lladdr", Mac(lab, before), "dev", "eth0", "nud", "reachable");
        using var neighbors = new MonitorLog(lab.Out, "neigh");
        using var addresses = new MonitorLog(lab.Node((before % EgressLab.Nodes) + 1), "address");
        using var addresses2 = new MonitorLog(lab.Node(((before + 1) % EgressLab.Nodes) + 1), "address");
        cluster.SetAssignable(before, false);
        Eventually.IsTrue(() => cluster.HolderOf(egress) is int now && now != before, () => $"it does not move\n{cluster.Logs()}", 15);
        int after = cluster.HolderOf(egress)!.Value;
        DateTime? learned = null;
        Eventually.IsTrue(
            () => (learned = neighbors.TimeOf($"{egress} dev eth0 lladdr {Mac(lab, after)} ")) is not null,
            () => $"the neighbor has not learned it:\n{neighbors.Text}");
        DateTime? taken = addresses.TimeOf($" {egress}/") ?? addresses2.TimeOf($" {egress}/");
        output.WriteLine($"{learned - taken}");
        Assert.InRange((learned!.Value - taken!.Value).TotalMilliseconds, 0, 100);
    }

    private static string Mac(EgressLab lab, int node) => string.Join(':', Lab.MacOf(lab.Node(node), "eth0").GetAddressBytes()
        .Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));

    /// <summary>What <c>ip -ts monitor</c> tells, with its times.</summary>
    private sealed partial class MonitorLog : IDisposable
    {
        private readonly BackgroundProcess _process;

        private readonly string _file = Path.GetTempFileName();

        public MonitorLog(string space, string what)
        {
            _process = new BackgroundProcess(space, "sh", "-c", $"exec ip -ts monitor {what} >{_file}");
            // It subscribes at once when it runs.
            Thread.Sleep(300);
        }

        public string Text => File.ReadAllText(_file);

        /// <summary>When a line with this text was told first; null: never.</summary>
        public DateTime? TimeOf(string text) => Text.Split('\n')
            .Where(line => line.Contains(text, StringComparison.Ordinal) && !line.Contains("Deleted", StringComparison.Ordinal))
            .Select(line => (DateTime?)DateTime.Parse(Stamp().Match(line).Groups[1].Value, CultureInfo.InvariantCulture)).FirstOrDefault();

        public void Dispose()
        {
            _process.Dispose();
            File.Delete(_file);
        }

        [GeneratedRegex(@"^\[([^\]]+)\]")]
        private static partial Regex Stamp();
    }
}
