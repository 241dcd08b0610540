using System.Globalization;
using EgressOperator.Hold;
using Shared;

namespace EgressOperator.Tests.Hold;

/// <summary>Both state machines of a pair, through all orders of events, breadth first.</summary>
public class PairModelTests
{
    /// <summary>More take too long. The figures say if there are more.</summary>
    private const int MostWorlds = 20_000_000;

    /// <summary>How long it takes until one serves, once all is well: the Lease of the other, a promise, and requests.</summary>
    private const int Recovery = 8;

    /// <summary>A few with <c>make test</c>, all in the full run, which takes minutes.</summary>
    public static TheoryData<int, string> Runs()
    {
        var runs = new TheoryData<int, string> { { 0, "None" } };
        if (Environment.GetEnvironmentVariable("EGRESS_ROUTER_TESTS") == "full")
        {
            foreach (string faults in (string[])["Kill", "Hang", "Link", "Stop"])
            {
                runs.Add(0, faults);
            }

            foreach (string faults in (string[])["None", "Kill", "Hang", "Link", "Stop"])
            {
                runs.Add(1, faults);
            }
        }

        return runs;
    }

    /// <summary>
    /// With <paramref name="late"/> 0, an answer within a tick counts as of the start of its request, and one that is later not at all;
    /// with 1, requests take time.
    /// </summary>
    [Theory]
    [MemberData(nameof(Runs))]
    public void Two_never_serve_and_one_does_soon_when_all_is_well(int late, string faults)
    {
        int looked = 0;
        int served = 0;
        int tried = 0;
        (int count, World? fault) = Explore(Enum.Parse<Faults>(faults), Rules.Right(late), world =>
        {
            served += world.IsServing ? 1 : 0;
            if (looked++ % 50 == 0)
            {
                AssertRecovers(world, isB: false);
                AssertRecovers(world, isB: true);
                tried++;
            }
        });
        Assert.True(fault is null, $"two serve: {fault}");
        Assert.True(served > count / 10, $"only {served} of {count} worlds are served: nothing was shown");
        Figures.Note(string.Create(CultureInfo.InvariantCulture,
            $"pair model, late {late}, {faults}: {count} states{(count < MostWorlds ? "" : ", and more")}, "
            + $"{served} of them served, never by two; {tried} recovered"));
    }

    /// <summary>The model finds what it is for.</summary>
    [Theory]
    [InlineData("promises are forgotten", Faults.None)]
    [InlineData("time counts from the answer", Faults.None)]
    [InlineData("no margin for the kernel", Faults.Hang)]
    internal void A_planted_fault_is_found(string fault, Faults faults)
    {
        Rules wrong = fault switch
        {
            "promises are forgotten" => Rules.Right(late: 1) with { Change = state => state with { GivenUntil = TimeSpan.Zero } },
            "time counts from the answer" => Rules.Right(late: 1) with { StartOf = (_, now) => now },
            _ => Rules.Right(late: 1) with { Timing = World.TimingOf(late: 1, respect: 2) },
        };
        Assert.NotNull(Explore(faults, wrong, _ => { }).Fault);
    }

    /// <summary>Looks at all worlds that there can be; the first in which two serve ends it.</summary>
    private static (int Count, World? Fault) Explore(Faults faults, Rules rules, Action<World> look)
    {
        World start = World.Begin(rules);
        HashSet<UInt128> seen = [start.Key()];
        Queue<World> open = new([start]);
        while (seen.Count < MostWorlds && open.TryDequeue(out World? world))
        {
            look(world);
            foreach (World next in Next(world, faults, rules).Where(next => seen.Add(next.Key())))
            {
                if (next.AreBothServing)
                {
                    return (seen.Count, next);
                }

                open.Enqueue(next);
            }
        }

        return (seen.Count, null);
    }

    private static IEnumerable<World> Next(World world, Faults faults, Rules rules)
    {
        yield return world.Tick();
        foreach (bool isB in (bool[])[false, true])
        {
            Pod pod = world[isB];
            if (pod.Write is { IsDone: false })
            {
                yield return world.Serve(isB);
            }

            if (pod.Ghost is { IsOfCurrent: true })
            {
                World done = world.With(isB, pod with { Write = pod.Ghost, Ghost = null }).Serve(isB);
                yield return done.With(isB, done[isB] with { Write = pod.Aged().Write });
            }

            foreach (World next in pod.IsRunning ? OfProcess(world, isB, faults, rules) : [])
            {
                yield return next;
            }

            foreach (Pod next in ByFault(pod, faults, rules))
            {
                World after = world.With(isB, next);
                // The Lease names a process, and the new one is another.
                yield return next.IsDead && after.Holder == pod.State.Identity ? after with { Holder = "of a dead process" } : after;
            }
        }
    }

    private static IEnumerable<World> OfProcess(World world, bool isB, Faults faults, Rules rules)
    {
        Pod pod = world[isB];
        Pod peer = world[!isB];
        if (pod.Reads)
        {
            yield return world.Read(isB);
            yield return world.With(isB, pod.Failed());
        }
        else if (pod.Write is null)
        {
            yield return world.With(isB, pod.Begin());
        }
        else
        {
            yield return world.With(isB, pod.GiveUp());
            if (pod.Write.IsDone)
            {
                yield return world.With(isB, pod.Answer(rules));
            }
        }

        if (pod.Expires == TimeSpan.Zero)
        {
            yield return world.With(isB, pod.Add());
        }

        if (pod.State.Asks(TimeSpan.Zero))
        {
            yield return world.With(isB, pod with { Question = TimeSpan.Zero });
        }

        if (peer.Question is TimeSpan question)
        {
            yield return world.With(isB, pod.Hear(question, serverAnswersPeer: false, rules)).With(!isB, peer with { Question = null });
            yield return world.With(isB, pod.Hear(question, serverAnswersPeer: true, rules)).With(!isB, peer with { Question = null });
        }

        if (peer.Promise is TimeSpan promise)
        {
            // A message can come twice.
            yield return world.With(isB, pod.HearPromise(promise, rules));
        }

        if (faults.HasFlag(Faults.Link))
        {
            PairState heard = pod.State.Heard(peer.State.IsAble, TimeSpan.Zero, TimeSpan.Zero);
            yield return world.With(isB, pod.Change(heard with { PeerHeardAt = null }));
        }
    }

    private static IEnumerable<Pod> ByFault(Pod pod, Faults faults, Rules rules)
    {
        if (faults.HasFlag(Faults.Hang))
        {
            yield return (pod with { IsRunning = !pod.IsRunning }).Step();
        }

        if (faults.HasFlag(Faults.Kill))
        {
            yield return pod.IsDead ? pod.Restart(rules.Timing) : pod.Die(rules.Timing);
        }

        if (faults.HasFlag(Faults.Link) && pod.IsRunning)
        {
            yield return pod.Change(pod.State.Reaches(!pod.State.IsLinkHealthy, TimeSpan.Zero));
        }

        if (faults.HasFlag(Faults.Stop) && pod.IsRunning)
        {
            yield return pod.Change(pod.State with { IsStopping = true });
        }
    }

    /// <summary>One pod is gone for good, and the other one goes on.</summary>
    private static void AssertRecovers(World world, bool isB)
    {
        World healed = Heal(world, isB);
        for (int tick = 0; tick < Recovery && !healed.IsServing; tick++)
        {
            healed = Well(healed, isB);
        }

        Assert.True(healed.IsServing, $"nobody serves after {world}\n{healed}");
    }

    private static World Heal(World world, bool isB)
    {
        Pod pod = world[isB].IsDead || world[isB].State.IsStopping ? world[isB].Restart(world[isB].State.Timing) : world[isB];
        return world.With(isB, (pod with { IsRunning = true, State = pod.State.Reaches(isHealthy: true, TimeSpan.Zero) }).Step())
            .With(!isB, world[!isB] with { IsRunning = false, Ghost = null, Write = null });
    }

    /// <summary>One tick in which the requests of a pod are answered at once.</summary>
    private static World Well(World world, bool isB)
    {
        World next = world;
        for (int request = 0; request < 3; request++)
        {
            next = next[isB].Reads ? next.Read(isB) : next[isB].Write is null ? next.With(isB, next[isB].Begin()) : next;
            next = next[isB].Write is { IsDone: false } ? next.Serve(isB) : next;
            next = next[isB].Write is null ? next : next.With(isB, next[isB].Answer(Rules.Right(late: 0)).Add());
        }

        return next.IsServing ? next : next.Tick();
    }
}
