using System.Diagnostics;
using System.Globalization;
using SystemTests.Reliability;
using Xunit.Abstractions;

namespace SystemTests.Hold;

/// <summary>Many failovers of the same two processes.</summary>
public class EnduranceTests(ITestOutputHelper output)
{
    private const string Address4 = "192.0.2.100";

    private const string Address6 = "fd00:2::100";

    /// <summary>The first ones open connections and start threads.</summary>
    private const int First = 6;

    [RootFact]
    public void Many_failovers_leave_nothing_behind()
    {
        int times = Sampling.Count(full: 1000, sample: 20);
        using var lab = new PairLab(output, [$"{Address4}/24", $"{Address6}/64"]);
        FailOver(lab, First);
        Snapshot[] before = Standbys(lab);
        Usage[] usageBefore = [Usage.Of(lab.Process(0)), Usage.Of(lab.Process(1))];
        FailOver(lab, times);
        Usage[] usage = [Usage.Of(lab.Process(0)), Usage.Of(lab.Process(1))];
        string figures = $"pair, {times} failovers in a row: "
            + string.Join("; ", usage.Zip(usageBefore, (after, old) => $"{old} -> {after}"));
        lab.Note(figures);
        Snapshot[] after = Standbys(lab);
        foreach (int pod in (int[])[0, 1])
        {
            after[pod].AssertSameAs(before[pod]);
            Assert.Equal("", Lab.In(lab.Network.PodOf(pod), "ip", "neighbor", "show", Address4));
            Assert.Equal("", Lab.In(lab.Network.PodOf(pod), "ip", "neighbor", "show", Address6));
            Assert.True(
                usage[pod].Files <= usageBefore[pod].Files + 5 && usage[pod].Threads <= usageBefore[pod].Threads + 5
                    && usage[pod].Megabytes <= usageBefore[pod].Megabytes + 15, figures);
        }

        Assert.True(lab.Fault is null, lab.Logs());
    }

    private static void FailOver(PairLab lab, int times)
    {
        for (int time = 0; time < times; time++)
        {
            int holder = lab.Holder!.Value;
            lab.Network.SetCarrier(holder, isUp: false);
            lab.UntilHolds(1 - holder, Stopwatch.GetTimestamp());
            lab.Network.SetCarrier(holder, isUp: true);
            lab.UntilBothAreReady();
        }
    }

    /// <summary>What each pod has while the other one holds the addresses.</summary>
    private static Snapshot[] Standbys(PairLab lab)
    {
        var standbys = new Snapshot[2];
        for (int time = 0; time < 2; time++)
        {
            int standby = 1 - lab.Holder!.Value;
            standbys[standby] = new Snapshot(Lab.PathOf(lab.Network.PodOf(standby))).WithoutNumbers();
            FailOver(lab, 1);
        }

        return standbys;
    }

    /// <summary>What a process uses.</summary>
    private sealed record Usage(int Files, int Threads, double Megabytes)
    {
        public static Usage Of(EgressIp.OperatorProcess process)
        {
            string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}");
            string[] status = File.ReadAllLines($"{folder}/status");
            return new Usage(
                Directory.GetFileSystemEntries($"{folder}/fd").Length, Value(status, "Threads:"), Value(status, "VmRSS:") / 1024.0);
        }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{Files} files, {Threads} threads, {Megabytes:0} MB");

        private static int Value(string[] status, string name) => int.Parse(
            status.Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Split("kB")[0].Trim(),
            CultureInfo.InvariantCulture);
    }
}
