using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using EgressDataPath;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using Netlink;
using Serilog.Core;
using Shared;
using SystemTests;
using SystemTests.EgressIp;

namespace Benchmarks;

/// <summary>A node with one selected pod, beside a node with 5,000 that 500 EgressIPs select.</summary>
internal static partial class EgressScaleBenchmark
{
    private const int Objects = 500;

    private const int PodsOfObject = 10;

    private const int Rounds = 11;

    private static readonly Settings _settings = new();

    public static void Run(CancellationToken stop)
    {
        Load(stop);
        using var few = new EgressCluster();
        using var many = new EgressCluster();
        few.SetAssignable(1, false);
        many.SetAssignable(1, false);
        Fill(many);
        few.Settled();
        many.Settled();
        Eventually.IsTrue(
            () => Elements(many) > Objects * PodsOfObject, () => $"{Elements(many)} pods are in the table\n{many.Agent(1).Log}", 60);

        using Variant one = EgressIpBenchmark.Way("1 pod", few.Lab, "a1", 7101);
        using Variant all = EgressIpBenchmark.Way("5,000 pods, 500 EgressIPs", many.Lab, "a1", 7101);
        ConnectBenchmark.Measure([one, all], stop);
        Report.Heading("TCP connect() with an egress address, interleaved", "median µs", "minimum µs");
        Report.Line(one.Name, one.Samples.Median.TotalMicroseconds, one.Samples.Minimum.TotalMicroseconds);
        Report.Line(all.Name, all.Samples.Median.TotalMicroseconds, all.Samples.Minimum.TotalMicroseconds);
        Report.Heading("Ratio", "of medians", "of minima");
        Report.Ratio("5,000 pods : 1 pod", all.Samples, one.Samples);

        Report.Heading("Memory of an agent, MiB", "resident", "its most");
        Report.Line("on the node of 1 pod", Memory(few.Agent(1)));
        Report.Line("on the node of 5,000 pods", Memory(many.Agent(1)));
        Report.Line("on an egress node of 5,000 pods", Memory(many.Agent(2)));
    }

    /// <summary>What the kernel needs for all pods at once, for one more, and for a comparison that finds no difference.</summary>
    private static void Load(CancellationToken stop)
    {
        using var lab = new EgressLab(masquerade: null);
        using NetNamespace node = NetNamespace.Open(Lab.PathOf(lab.Node(1)));
        using var kernel = new NodeKernel(node, _settings, Logger.None);
        (Samples first, Samples more, Samples same) = (new(), new(), new());
        Duties all = DutiesOf(Objects * PodsOfObject);
        Duties oneMore = DutiesOf((Objects * PodsOfObject) + 1);
        for (int round = 0; round < Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            first.Add(Time(all));
            more.Add(Time(oneMore));
            same.Add(Time(oneMore));
            _ = kernel.Remove();
        }

        Report.Heading($"The data path of {Objects * PodsOfObject} pods, {Rounds} times", "median ms", "minimum ms");
        foreach ((string name, Samples samples) in ((string, Samples)[])
            [("all at once", first), ("one more pod", more), ("nothing to do", same)])
        {
            Report.Line(name, samples.Median.TotalMilliseconds, samples.Minimum.TotalMilliseconds);
        }

        TimeSpan Time(Duties duties)
        {
            long start = Stopwatch.GetTimestamp();
            _ = kernel.Reconcile(duties, 1464);
            return Stopwatch.GetElapsedTime(start);
        }
    }

    private static Duties DutiesOf(int pods) => new(
        [IPAddress.Parse(EgressLab.AddressOf(2))],
        [IPNetwork.Parse(EgressLab.Pods4)],
        [.. Enumerable.Range(0, Objects).Select(number => new ServedObject(
            $"object-{number}",
            [.. Enumerable.Range(0, pods).Where(pod => pod % Objects == number).Select(AddressOf)],
            [new EgressAddress(EgressAddressOf(number), new Way.Tunnel(IPAddress.Parse(EgressLab.AddressOf(2))))],
            [],
            FailsOpen: false))],
        []);

    private static IPAddress AddressOf(int pod) => IPAddress.Parse($"10.244.{100 + (pod / 250)}.{1 + (pod % 250)}");

    private static IPAddress EgressAddressOf(int number) => IPAddress.Parse($"fd00:2::1:{number:x}");

    /// <summary>Adds the pods and the EgressIPs to node 1.</summary>
    private static void Fill(EgressCluster cluster)
    {
        for (int number = 0; number < Objects; number++)
        {
            cluster.Apply($"object-{number}", [EgressAddressOf(number).ToString()], app: $"app-{number}");
        }

        for (int pod = 0; pod < Objects * PodsOfObject; pod++)
        {
            string name = $"p{pod}";
            cluster.AddPod("prod", new LabPod(name, 1, AddressOf(pod).ToString(), $"fd00:244:1::1:{pod:x}", name), $"app-{pod % Objects}");
        }
    }

    private static int Elements(EgressCluster cluster) =>
        Element().Count(Lab.In(cluster.Lab.Node(1), "nft", "list", "map", "inet", "egress_ip", "pods6"));

    private static double[] Memory(OperatorProcess agent)
    {
        string status = File.ReadAllText($"/proc/{agent.Id}/status");
        return [Of("VmRSS"), Of("VmHWM")];

        double Of(string name) => long.Parse(
            Regex.Match(status, $@"^{name}:\s+(\d+) kB$", RegexOptions.Multiline).Groups[1].Value, CultureInfo.InvariantCulture) / 1024.0;
    }

    [GeneratedRegex("fd00:244:")]
    private static partial Regex Element();
}
