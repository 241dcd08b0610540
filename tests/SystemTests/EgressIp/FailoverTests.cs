using System.Diagnostics;
using System.Globalization;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>Nodes that are cut off while they hold an address.</summary>
public class FailoverTests(ITestOutputHelper output)
{
    /// <summary>How many cuts: EGRESS_IP_CUTS, or two.</summary>
    private static readonly int? _wanted = int.TryParse(
        Environment.GetEnvironmentVariable("EGRESS_IP_CUTS"), CultureInfo.InvariantCulture, out int cuts) ? cuts : null;

    /// <summary>A machine that runs all tests has other things to do too.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(_wanted is null ? 4 : 2);

    [RootTheory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void New_connections_work_again_soon_and_open_ones_go_on(bool isIPv6, bool withoutServer)
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        using var server = new TellingServer(lab.Out, isIPv6 ? EgressLab.Server6 : EgressLab.Server4);
        var watch = new ArrivalWatch(lab.Out);
        List<TimeSpan> times = [];
        for (int cut = 0; cut < (_wanted ?? 2); cut++)
        {
            times.Add(CutAndHeal(cluster, server, watch, egress, withoutServer));
        }

        Figures.Note(
            $"EgressIP failover ({(isIPv6 ? "IPv6" : "IPv4")}, {(withoutServer ? "without" : "with")} API server), {times.Count} cuts: "
            + Figures.Spread(times.Select(time => time.TotalSeconds)));
        Assert.True(times.Max() < _longest, $"{times.Max()}");
    }

    /// <summary>Another program's rule stops its agent, but the other nodes take its address.</summary>
    [RootFact]
    public void A_node_whose_data_path_cannot_be_changed_lets_go_too()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        int holder = cluster.UntilStable(EgressCluster.Address4);
        string node = cluster.Lab.Node(holder);
        Lab.In(node, "ip", "rule", "add", "fwmark", "1/1", "lookup", "5000");
        Eventually.IsTrue(() => !cluster.Agent(holder).IsReady(), cluster.Logs, 10);
        cluster.Lab.Cut(holder);
        Eventually.IsTrue(
            () => !Lab.In(node, "ip", "-o", "address", "show", "dev", "eth0")
                .Contains($" {EgressCluster.Address4}/", StringComparison.Ordinal),
            () => $"n{holder} keeps the address\n{cluster.Logs()}", 5);
    }

    /// <returns>The time from the cut to the first new connection.</returns>
    private TimeSpan CutAndHeal(EgressCluster cluster, TellingServer server, ArrivalWatch watch, string egress, bool withoutServer)
    {
        EgressLab lab = cluster.Lab;
        bool isIPv6 = egress.Contains(':', StringComparison.Ordinal);
        int holder = cluster.UntilStable(egress);
        LabPod[] pods = [.. lab.Pods.Where(pod => pod.Node != holder && pod.Name != "a2")];
        if (withoutServer)
        {
            cluster.Server.GoAway().GetAwaiter().GetResult();
        }

        Talk[] talks = [.. pods.SelectMany(pod => ((bool[])[true, false]).Select(sends => new Talk(pod.Namespace, server, sends)))];
        Assert.All(talks, talk => Assert.Equal(egress, talk.Source));
        watch.Forget();
        lab.Cut(holder);
        long cut = Stopwatch.GetTimestamp();
        Eventually.IsTrue(
            () => pods.All(pod => Question.Ask(pod.Namespace, Transport.Tcp, server, seconds: 0.1)?.Source == egress),
            () => $"no new connection\n{cluster.Logs()}", 10);
        TimeSpan away = Stopwatch.GetElapsedTime(cut);
        Thread.Sleep(TimeSpan.FromSeconds(1));
        Assert.Equal([egress], watch.Sources(isIPv6));
        // The old holder has let it go by itself, so that two do not answer for it when the network is whole again.
        Eventually.IsTrue(
            () => !Lab.In(lab.Node(holder), "ip", "-o", "address", "show", "dev", "eth0").Contains($" {egress}/", StringComparison.Ordinal),
            () => $"n{holder} keeps the address\n{cluster.Logs()}", 2);
        // TCP sends again after 0.2 s, 0.4 s, 0.8 s and 1.6 s.
        TalkResult[] results = [.. talks.Select(talk => talk.End())];
        output.WriteLine($"n{holder} cut off: {away.TotalSeconds:0.00} s; {string.Join("; ", results.AsEnumerable())}");
        Assert.All(results, result => Assert.True(result is { Fault: null, Longest.TotalSeconds: < 5 }, $"{result}"));

        lab.Heal(holder);
        if (withoutServer)
        {
            cluster.Server.Return().GetAwaiter().GetResult();
        }

        // Whoever has taken the address keeps it, and the status follows.
        int now = cluster.UntilStable(egress);
        Assert.NotEqual(holder, now);
        Assert.Equal([egress], watch.Sources(isIPv6));
        return away;
    }
}
