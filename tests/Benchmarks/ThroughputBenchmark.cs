using System.Diagnostics;
using SystemTests;

namespace Benchmarks;

/// <summary>What the router costs connections and bytes, beside a pod that only forwards.</summary>
internal static class ThroughputBenchmark
{
    private const int Port = Destinations.FirstPort;
    private const int Slices = 20;
    private const int ConnectionsInSlice = 250;

    private static readonly TimeSpan _slice = TimeSpan.FromMilliseconds(250);

    public static void Run(CancellationToken stop)
    {
        using var router = new Lab();
        using var plain = new Lab();
        router.Add(Destinations.Config(1000));
        ForwardOnly(plain);
        using var through = new Variant("egress-router, 1,000 destinations", router, Port);
        using var beside = new Variant("plain routing: no redirection, no nftables", plain, Port, Destinations.Address);
        Compare("Through the pod", through, [beside], stop);
    }

    /// <summary>Connections and bytes a second by each way, in turn, and the ratios of the first one to the others.</summary>
    internal static void Compare(string heading, Variant first, Variant[] others, CancellationToken stop)
    {
        Variant[] variants = [first, .. others];
        double[] connections = Rates(variants, Connections, stop);
        foreach (Variant variant in variants)
        {
            variant.OpenStream();
        }

        double[] bytes = Rates(variants, variant => variant.Stream(_slice), stop);
        Report.Heading($"{heading}, slices of a quarter of a second in turn", "connects/s", "Gbit/s");
        for (int i = 0; i < variants.Length; i++)
        {
            Report.Line(variants[i].Name, connections[i], bytes[i] * 8 / 1e9);
        }

        for (int i = 1; i < variants.Length; i++)
        {
            Report.Line($"Ratio to {variants[i].Name}", connections[0] / connections[i], bytes[0] / bytes[i]);
        }
    }

    /// <summary>What each variant does in a second: the median of its slices.</summary>
    private static double[] Rates(Variant[] variants, Func<Variant, double> slice, CancellationToken stop)
    {
        List<double>[] rates = [.. variants.Select(_ => new List<double>())];
        for (int i = -1; i < Slices; i++)
        {
            for (int variant = 0; variant < variants.Length; variant++)
            {
                stop.ThrowIfCancellationRequested();
                double rate = slice(variants[variant]);
                if (i >= 0)
                {
                    rates[variant].Add(rate);
                }
            }
        }

        return [.. rates.Select(all => all.Order().ElementAt(all.Count / 2))];
    }

    /// <summary>Connections a second: made, accepted and closed one after the other.</summary>
    private static double Connections(Variant variant)
    {
        variant.Prepare(ConnectionsInSlice);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < ConnectionsInSlice; i++)
        {
            _ = variant.Connect();
        }

        return ConnectionsInSlice / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The pod has the same interface and forwards; client and server know the way.</summary>
    private static void ForwardOnly(Lab lab)
    {
        Lab.Batch(lab.Node, $"link add link lan0 name net1 netns {lab.Pod} type macvlan mode bridge");
        Lab.Batch(lab.Pod, """
            address add 192.168.12.99/24 dev net1
            link set net1 up
            """);
        Lab.WriteSysctl(lab.Pod, "net/ipv4/ip_forward", "1");
        Lab.Batch(lab.Client, $"route add {Destinations.Address}/32 via {Lab.PodAddress}");
        Lab.Batch(lab.Lan, "route replace 10.129.2.0/23 via 192.168.12.99");
    }
}
