using System.Globalization;
using System.Text;
using SystemTests;

namespace Benchmarks;

/// <summary>What ADD costs on a node that has much, and when many pods start at once.</summary>
internal static class GrowthBenchmark
{
    private const int Rounds = 15;
    private const int CrowdRounds = 3;

    private static readonly (int Links, int Routes)[] _nodes = [(0, 0), (300, 5_000), (1_000, 50_000)];
    private static readonly int[] _crowds = [1, 10, 100];

    public static void Run(CancellationToken stop)
    {
        OnFullNodes(stop);
        AtOnce(stop);
    }

    private static void OnFullNodes(CancellationToken stop)
    {
        var labs = new List<Lab>();
        try
        {
            foreach (var (links, routes) in _nodes)
            {
                stop.ThrowIfCancellationRequested();
                var lab = new Lab();
                labs.Add(lab);
                Fill(lab, links, routes);
            }

            using var peers = new Peers(labs[0], Config.Redirect, PluginEnvironment.Of);
            Meter[] meters =
                [.. _nodes.Select(node => new Meter(string.Create(CultureInfo.InvariantCulture,
                    $"{node.Links:N0} links and {node.Routes:N0} routes more than the least")))];
            for (int round = -1; round < Rounds; round++)
            {
                stop.ThrowIfCancellationRequested();
                foreach (var (lab, meter) in labs.Zip(meters))
                {
                    using var pod = new FreshPod(lab);
                    meter.Run(lab.Node, peers.Config, PluginEnvironment.Of(pod, "ADD"), [Lab.Plugin], round >= 0);
                }
            }

            Report.Heading($"ADD by what the node has, {Rounds} times each, interleaved", "median ms", "minimum ms", "ratio");
            foreach (Meter meter in meters)
            {
                Report.Line(
                    meter.Name, meter.Times.Median.TotalMilliseconds, meter.Times.Minimum.TotalMilliseconds,
                    meter.Times.Median / meters[0].Times.Median);
            }
        }
        finally
        {
            labs.ForEach(lab => lab.Dispose());
        }
    }

    private static void Fill(Lab lab, int links, int routes)
    {
        var batch = new StringBuilder();
        for (int i = 0; i < links / 2; i++)
        {
            batch.Append(CultureInfo.InvariantCulture, $"link add a{i} type veth peer name b{i}\n");
        }

        for (int i = 0; i < routes; i++)
        {
            batch.Append(CultureInfo.InvariantCulture, $"route add 100.{64 + (i >> 16)}.{(i >> 8) & 255}.{i & 255}/32 via 192.168.12.1\n");
        }

        Lab.Batch(lab.Node, batch.ToString());
    }

    private static void AtOnce(CancellationToken stop)
    {
        using var lab = new Lab();
        using var peers = new Peers(lab, Config.Redirect, PluginEnvironment.Of);
        string[] configs = [.. Enumerable.Range(0, _crowds.Max()).Select(i =>
        {
            string file = peers.PathOf($"pod{i}.json");
            File.WriteAllText(
                file,
                Config.Redirect.Replace(
                    "192.168.12.99", string.Create(CultureInfo.InvariantCulture, $"192.168.12.{100 + i}"), StringComparison.Ordinal));
            return file;
        })];
        Report.Heading($"ADD of many pods at once, {CrowdRounds} times each", "ms a pod", "median ms", "longest ms");
        foreach (int crowd in _crowds)
        {
            var one = new Meter("ADD");
            var all = new Samples();
            for (int round = -1; round < CrowdRounds; round++)
            {
                stop.ThrowIfCancellationRequested();
                FreshPod[] pods = [.. Enumerable.Range(0, crowd).Select(_ => new FreshPod(lab))];
                TimeSpan time = Together(
                    [.. pods.Zip(configs,
                        (pod, config) =>
                            new Action(() => one.Run(lab.Node, config, PluginEnvironment.Of(pod, "ADD"), [Lab.Plugin], round >= 0)))]);
                if (round >= 0)
                {
                    all.Add(time / crowd);
                }

                Array.ForEach(pods, pod => pod.Dispose());
            }

            Report.Line(
                $"{crowd} at once", all.Median.TotalMilliseconds, one.Times.Median.TotalMilliseconds, one.Times.Maximum.TotalMilliseconds);
        }
    }

    /// <summary>Runs all at the same time, each on a thread that waits for its start; how long until the last has ended.</summary>
    private static TimeSpan Together(Action[] actions)
    {
        var failures = new List<Exception>();
        using var begin = new ManualResetEventSlim();
        Thread[] threads = [.. actions.Select(action => new Thread(() =>
        {
            begin.Wait();
            try
            {
                action();
            }
            catch (Exception failure)
            {
                lock (failures)
                {
                    failures.Add(failure);
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        begin.Set();
        Array.ForEach(threads, thread => thread.Join());
        return failures.Count == 0 ? System.Diagnostics.Stopwatch.GetElapsedTime(start) : throw new AggregateException(failures);
    }
}
