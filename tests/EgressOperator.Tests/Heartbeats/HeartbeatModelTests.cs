using Shared;

namespace EgressOperator.Tests.Heartbeats;

/// <summary>Random faults against the promises of the verdicts.</summary>
public class HeartbeatModelTests
{
    private const int Runs = 2_000;

    /// <summary>
    /// A message takes up to 100 ms, a process is paused for any time. At each step: what a running process calls dead is isolated, unless
    /// its own process does not run or has just started; no two nodes call each other dead. A second after all is well, nothing is.
    /// </summary>
    [Fact]
    public void A_dead_node_is_isolated_and_all_recover_in_thousands_of_random_runs()
    {
        int verdicts = 0;
        int fenced = 0;
        for (int seed = 0; seed < Runs; seed++)
        {
            (int dead, int isolated) = Run(seed);
            verdicts += dead;
            fenced += isolated;
        }

        // Otherwise the runs have shown nothing.
        Assert.True(fenced > Runs / 10, $"only {fenced} of {verdicts} verdicts were about processes that ran");
        Figures.Note($"heartbeat model: {Runs} runs, {verdicts} verdicts, {fenced} of them about running processes");
    }

    private static (int Dead, int Isolated) Run(int seed)
    {
        var random = new Random(seed);
        string[] names = [.. Enumerable.Range(0, random.Next(2, 5)).Select(i => $"egress{i}"),
            .. Enumerable.Range(0, random.Next(1, 4)).Select(i => $"pod{i}")];
        var cluster = new VirtualCluster(seed, names);
        cluster.Run(3.5);
        HashSet<(string, string)> before = [];
        int dead = 0;
        int isolated = 0;
        cluster.AfterEachStep = () =>
        {
            HashSet<(string By, string Of)> verdicts = Verdicts(cluster);
            foreach ((string by, string of) in verdicts)
            {
                VirtualMachine machine = cluster[of];
                bool mustKnow = machine.IsRunning && machine.PausedUntil <= cluster.Now
                    && cluster.Now - machine.StartedAt >= VirtualCluster.Timing.Welcome;
                bool isIsolated = mustKnow && machine.Table!.Look(cluster.Now).IsIsolated;
                Assert.True(isIsolated || !mustKnow, $"seed {seed}, {cluster.Now}: {by} calls {of} dead, which is not isolated");
                Assert.False(verdicts.Contains((of, by)), $"seed {seed}, {cluster.Now}: {by} and {of} call each other dead");
                dead += before.Contains((by, of)) ? 0 : 1;
                isolated += isIsolated && !before.Contains((by, of)) ? 1 : 0;
            }

            before = verdicts;
        };

        TimeSpan end = cluster.Now + TimeSpan.FromSeconds(5);
        while (cluster.Now < end)
        {
            Fault(random, cluster);
            cluster.Run(random.NextDouble() * (random.Next(3) == 0 ? 1.5 : 0.3));
        }

        Heal(cluster);
        cluster.Run(1);
        cluster.AfterEachStep += () =>
        {
            Assert.True(Verdicts(cluster).Count == 0, $"seed {seed}, {cluster.Now}: someone is dead after all is well");
            Assert.All(cluster.Machines, machine => Assert.False(
                machine.View.IsIsolated, $"seed {seed}, {cluster.Now}: {machine.Node.Name} is isolated after all is well"));
        };
        cluster.Run(1);
        return (dead, isolated);
    }

    private static void Fault(Random random, VirtualCluster cluster)
    {
        VirtualMachine one = cluster.Machines[random.Next(cluster.Machines.Count)];
        VirtualMachine other = cluster.Machines[random.Next(cluster.Machines.Count)];
        switch (random.Next(12))
        {
            case 0 or 1:
                cluster.Cut(one.Node.Name, other.Node.Name);
                break;
            case 2:
                cluster.Join(one.Node.Name, other.Node.Name);
                break;
            case 3:
                foreach (VirtualMachine to in cluster.Machines)
                {
                    cluster.Cut(one.Node.Name, to.Node.Name);
                }

                break;
            case 4:
                foreach (VirtualMachine from in cluster.Machines)
                {
                    cluster.Cut(from.Node.Name, one.Node.Name);
                }

                break;
            case 5:
                cluster.Part([.. cluster.Machines.Where(_ => random.Next(2) == 0).Select(machine => machine.Node.Name)]);
                break;
            case 6:
                cluster.Part(one.Node.Name);
                break;
            case 7:
                cluster.Loss = random.Next(3) * 0.3;
                break;
            case 8:
                cluster.Pause(one, TimeSpan.FromSeconds(random.NextDouble() * (random.Next(2) == 0 ? 0.15 : 2)));
                break;
            case 9 when random.Next(2) == 0:
                one.Crash();
                break;
            case 10 when random.Next(2) == 0:
                cluster.Start(one);
                break;
            case 11 when random.Next(3) == 0:
                cluster.Change(one, node => node with { IsVoter = !node.IsVoter });
                break;
            default:
                cluster.Heal();
                break;
        }
    }

    private static void Heal(VirtualCluster cluster)
    {
        cluster.Heal();
        foreach (VirtualMachine machine in cluster.Machines)
        {
            machine.PausedUntil = machine.PausedUntil < cluster.Now ? machine.PausedUntil : cluster.Now;
            if (!machine.IsRunning)
            {
                cluster.Start(machine);
            }
        }
    }

    /// <summary>The verdicts of all processes that run.</summary>
    private static HashSet<(string By, string Of)> Verdicts(VirtualCluster cluster) =>
        [.. cluster.Machines.Where(machine => machine.IsRunning && machine.PausedUntil <= cluster.Now)
            .SelectMany(machine => machine.View.Dead.Select(dead => (machine.Node.Name, dead)))];
}
