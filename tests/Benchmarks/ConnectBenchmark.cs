using SystemTests;

namespace Benchmarks;

/// <summary>What setting up a connection costs, by the number of destinations and the place among them.</summary>
internal static class ConnectBenchmark
{
    private const int Rounds = 1000;
    private const int WarmUpRounds = 50;
    private const int BatchSize = 50;

    public static void Run(CancellationToken stop)
    {
        using var one = new Lab();
        using var many = new Lab();
        using var linear = new Lab();
        foreach (Lab lab in (Lab[])[one, many, linear])
        {
            // A connection that does not come about fails after 15 s, not after two minutes.
            Lab.WriteSysctl(lab.Client, "net/ipv4/tcp_syn_retries", "3");
        }

        stop.ThrowIfCancellationRequested();
        one.Add(Destinations.Config(1));
        many.Add(Destinations.Config(Destinations.Many));
        Destinations.AddLinear(linear, Destinations.Many);

        using var single = new Variant("egress-router, 1 destination", one, Destinations.FirstPort);
        using var first = new Variant("egress-router, 10,000 destinations, the first", many, Destinations.FirstPort);
        using var middle = new Variant("egress-router, 10,000 destinations, the middle", many, Destinations.MiddlePort);
        using var last = new Variant("egress-router, 10,000 destinations, the last", many, Destinations.LastPort);
        using var linearFirst = new Variant("10,000 rules, one a destination, the first", linear, Destinations.FirstPort);
        using var linearLast = new Variant("10,000 rules, one a destination, the last", linear, Destinations.LastPort);
        Variant[] variants = [single, first, middle, last, linearFirst, linearLast];
        Measure(variants, stop);

        Report.Heading($"TCP connect() to the pod, {Rounds} times each, interleaved", "median µs", "minimum µs");
        foreach (Variant variant in variants)
        {
            Report.Line(variant.Name, variant.Samples.Median.TotalMicroseconds, variant.Samples.Minimum.TotalMicroseconds);
        }

        Report.Heading("Ratio", "of medians", "of minima");
        Report.Ratio("10,000 destinations, the last : 1 destination", last.Samples, single.Samples);
        Report.Ratio("10,000 destinations, the last : the first", last.Samples, first.Samples);
        Report.Ratio("10,000 rules, the last : the first", linearLast.Samples, linearFirst.Samples);
        Report.Ratio("10,000 rules, the last : egress-router, the last", linearLast.Samples, last.Samples);
    }

    /// <summary>Connects by all ways in turn.</summary>
    internal static void Measure(Variant[] variants, CancellationToken stop)
    {
        // Every round has an order of its own: who comes after the long walk through the rules finds cold caches.
        var random = new Random(1);
        for (int round = -WarmUpRounds; round < Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            if (round % BatchSize == 0)
            {
                foreach (Variant variant in variants)
                {
                    variant.Prepare(BatchSize);
                }
            }

            Variant[] order = [.. variants];
            random.Shuffle(order);
            foreach (Variant variant in order)
            {
                TimeSpan time = variant.Connect();
                if (round >= 0)
                {
                    variant.Samples.Add(time);
                }
            }
        }
    }
}
