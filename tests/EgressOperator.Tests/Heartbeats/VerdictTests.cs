using EgressOperator.Heartbeats;

namespace EgressOperator.Tests.Heartbeats;

/// <summary>Who is missing, dead or isolated, case by case.</summary>
public class VerdictTests
{
    /// <summary>Longer than nodes are new.</summary>
    private const double Settled = 3.5;

    /// <summary>Links to cut, as <c>from>to</c> or <c>from~to</c> (both ways); <c>*</c> is each other node.</summary>
    [Theory]
    [InlineData("egress-a egress-b pod-c", "egress-a~*", "egress-a", "egress-a")]
    [InlineData("egress-a egress-b pod-c", "egress-a>*", "egress-a", "egress-a")]
    [InlineData("egress-a egress-b pod-c", "*>egress-a", "egress-a", "egress-a")]
    [InlineData("egress-a egress-b pod-c", "egress-a~egress-b", "", "")]
    [InlineData("egress-a egress-b pod-c", "egress-a>egress-b", "", "")]
    [InlineData("egress-a egress-b pod-c", "egress-a~* egress-b~*", "", "egress-a egress-b")]
    [InlineData("egress-a egress-b egress-c", "egress-a~* egress-b~* egress-c~*", "", "egress-a egress-b egress-c")]
    [InlineData("egress-a egress-b", "egress-a~*", "", "")]
    [InlineData("egress-a egress-b pod-c pod-d", "egress-a~*", "egress-a", "egress-a")]
    [InlineData("egress-a egress-b pod-c pod-d", "egress-a~egress-b egress-a~pod-d egress-b~pod-c", "", "egress-a egress-b")]
    [InlineData("egress-a egress-b pod-c pod-d", "egress-a~pod-c egress-a~pod-d", "egress-a", "egress-a")]
    [InlineData("egress-a egress-b pod-c pod-d", "egress-a>pod-c egress-a>pod-d", "egress-a", "egress-a")]
    [InlineData("egress-a egress-b pod-c pod-d", "egress-a>egress-b egress-a>pod-c", "", "egress-a")]
    [InlineData("egress-a egress-b pod-c pod-d pod-e", "egress-a~* egress-b~*", "", "egress-a egress-b")]
    [InlineData("egress-a egress-b egress-c pod-d pod-e", "egress-a~* egress-b~*", "egress-a egress-b", "egress-a egress-b")]
    [InlineData("egress-a egress-b pod-c pod-d pod-e", "egress-a~egress-b egress-a~pod-c", "", "")]
    [InlineData("egress-a egress-b pod-c pod-d pod-e", "egress-a>egress-b egress-a>pod-c egress-a>pod-d", "egress-a", "egress-a")]
    [InlineData(
        "egress-a egress-b pod-c pod-d pod-e", "egress-a>pod-c egress-a>pod-d egress-b>egress-a pod-e>egress-a", "egress-a", "egress-a")]
    public void Of_links_that_are_cut(string names, string cuts, string dead, string isolated)
    {
        var cluster = new VirtualCluster(1, names.Split(' '));
        cluster.Run(Settled);
        Assert.Equal(("", ""), (Dead(cluster), Isolated(cluster)));
        foreach (string cut in cuts.Split(' '))
        {
            Cut(cluster, cut);
        }

        cluster.Run(1.5);
        Assert.Equal((dead, isolated), (Dead(cluster), Isolated(cluster)));

        cluster.Heal();
        cluster.Run(1);
        Assert.Equal(("", ""), (Dead(cluster), Isolated(cluster)));
        Assert.All(cluster.Machines, machine => Assert.Empty(machine.View.Missing));
    }

    [Fact]
    public void Silence_becomes_missing_and_then_dead_and_no_sooner()
    {
        HeartbeatTiming timing = VirtualCluster.Timing;
        for (int seed = 0; seed < 50; seed++)
        {
            var cluster = new VirtualCluster(seed, "egress-a", "egress-b", "pod-c");
            cluster.Run(Settled + (seed * 0.01));
            cluster["egress-a"].Crash();
            TimeSpan crash = cluster.Now;
            HeartbeatView View() => cluster["egress-b"].View;
            TimeSpan UntilTrue(Func<bool> condition)
            {
                while (!condition() && cluster.Now < crash + TimeSpan.FromSeconds(5))
                {
                    cluster.Run(0.001);
                }

                return cluster.Now - crash;
            }

            var step = TimeSpan.FromMilliseconds(1);
            TimeSpan missing = UntilTrue(() => View().Missing.Contains("egress-a"));
            Assert.InRange(missing, timing.MissingAfter - timing.Interval, timing.MissingAfter + timing.Delay + step);

            // pod-c may have heard egress-a later by a delay, and its word takes as long.
            TimeSpan dead = UntilTrue(() => View().Dead.Contains("egress-a"));
            TimeSpan fastest = missing + timing.Grace - step;
            Assert.InRange(dead, fastest, fastest + (2 * timing.Delay) + timing.Tick + (3 * step));
        }
    }

    [Fact]
    public void A_quick_restart_fences_nobody_and_takes_only_when_heard()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c");
        cluster.Run(Settled);
        bool wasIsolated = false;
        cluster.AfterEachStep = () => wasIsolated |= cluster.Machines.Any(
            machine => machine.View.IsIsolated || machine.View.Dead.Count > 0);
        cluster.Start(cluster["egress-a"]);
        Assert.False(cluster["egress-a"].View.MayTake);
        cluster.Run(1);
        Assert.True(cluster["egress-a"].View.MayTake);
        cluster.Run(3);
        Assert.False(wasIsolated);
    }

    [Fact]
    public void A_start_without_links_takes_nothing_and_becomes_isolated()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c");
        cluster.Part("egress-a");
        bool mayTake = false;
        cluster.AfterEachStep = () => mayTake |= cluster["egress-a"].View.MayTake;
        cluster.Run(1.9);
        Assert.False(cluster["egress-a"].View.IsIsolated);
        cluster.Run(0.2);
        Assert.True(cluster["egress-a"].View.IsIsolated);
        Assert.False(mayTake);
    }

    [Fact]
    public void A_node_that_is_not_Ready_does_not_vote()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c", "pod-d", "pod-e");
        cluster.Run(Settled);
        cluster.Part("egress-a");
        cluster.Part("pod-d");
        cluster.Part("pod-e");
        cluster.Run(1.5);
        Assert.Equal(("", "egress-a egress-b"), (Dead(cluster), Isolated(cluster)));
        cluster.Change(cluster["pod-d"], node => node with { IsVoter = false });
        cluster.Change(cluster["pod-e"], node => node with { IsVoter = false });
        cluster.Run(1);
        Assert.Equal(("egress-a", "egress-a"), (Dead(cluster), Isolated(cluster)));
    }

    [Fact]
    public void A_new_node_changes_nothing_for_those_that_it_has_not_heard_yet()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c", "pod-d", "pod-e", "pod-f");
        foreach (string late in (string[])["pod-c", "pod-d", "pod-e", "pod-f"])
        {
            cluster[late].Crash();
        }

        // Two of six: not isolated while the others are new, and nothing is decided by the word of these.
        cluster.Run(1.9);
        Assert.Equal(("", ""), (Dead(cluster), Isolated(cluster)));
        cluster.Run(0.2);
        Assert.Equal(("", "egress-a egress-b"), (Dead(cluster), Isolated(cluster)));
    }

    [Fact]
    public void A_new_voter_has_no_say_for_three_seconds()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c", "pod-d");
        cluster.Run(1);
        cluster.Part("egress-a");
        cluster.Run(1.9);
        Assert.Equal("", Dead(cluster));
        cluster.Run(0.3);
        Assert.Equal("egress-a", Dead(cluster));
    }

    [Fact]
    public void Who_was_paused_calls_nobody_missing_and_knows_that_it_was_isolated()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c");
        cluster.Run(Settled);
        cluster.Pause(cluster["egress-a"], TimeSpan.FromSeconds(5));
        cluster.Run(4.9);
        Assert.Equal("egress-a", Dead(cluster));
        bool wasMissing = false;
        cluster.AfterEachStep = () => wasMissing |= cluster["egress-a"].View.Missing.Count > 0;
        cluster.Run(0.101);
        Assert.True(cluster["egress-a"].View.IsIsolated);
        cluster.Run(1);
        Assert.False(wasMissing);
        Assert.Equal(("", ""), (Dead(cluster), Isolated(cluster)));
    }

    /// <summary>Or else a peer whose clock was wrong at its start is not heard until all others start anew.</summary>
    [Fact]
    public void A_process_whose_clock_is_behind_is_heard_all_the_same()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c");
        cluster.Run(Settled);
        cluster.Start(cluster["egress-a"], incarnation: 17);
        cluster.Run(0.5);
        Assert.Contains(DropReason.OldIncarnation, cluster["egress-b"].Dropped);
        cluster.Run(1);
        Assert.Empty(cluster["egress-b"].View.Missing);
        Assert.True(cluster["egress-a"].View.MayTake);
    }

    /// <summary>While all is well a pair of nodes exchanges one beat in each direction and interval; pod nodes exchange none.</summary>
    [Fact]
    public void Beats_go_between_all_nodes_and_egress_nodes_once_in_an_interval()
    {
        var cluster = new VirtualCluster(1, "egress-a", "egress-b", "pod-c", "pod-d");
        cluster.Run(Settled);
        int before = cluster.Messages;
        cluster.Run(10);
        Assert.InRange(cluster.Messages - before, (50 - 1) * 10, (50 + 1) * 10);
    }

    private static void Cut(VirtualCluster cluster, string cut)
    {
        string[] names = [.. cluster.Machines.Select(machine => machine.Node.Name)];
        string[] ends = cut.Split('>', '~');
        foreach (string from in ends[0] == "*" ? names : [ends[0]])
        {
            foreach (string to in ends[1] == "*" ? names : [ends[1]])
            {
                cluster.Cut(from, to);
                if (cut.Contains('~', StringComparison.Ordinal))
                {
                    cluster.Cut(to, from);
                }
            }
        }
    }

    private static string Dead(VirtualCluster cluster) => string.Join(' ', cluster.Machines.Where(machine => machine.IsRunning)
        .SelectMany(machine => machine.View.Dead).Distinct().Order(StringComparer.Ordinal));

    private static string Isolated(VirtualCluster cluster) => string.Join(' ', cluster.Machines.Where(
        machine => machine is { IsRunning: true, View.IsIsolated: true }).Select(machine => machine.Node.Name));
}
