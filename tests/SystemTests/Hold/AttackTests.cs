using System.Diagnostics;
using Shared;
using Xunit.Abstractions;

namespace SystemTests.Hold;

/// <summary>Datagrams of others than the peer, and of the past: nothing moves.</summary>
public class AttackTests(ITestOutputHelper output)
{
    private static readonly string[] _shared = ["192.0.2.100/24", "fd00:2::100/64"];

    /// <summary>With and without an API server: only without one, promises count.</summary>
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Captured_and_forged_datagrams_move_nothing(bool isAway)
    {
        using var lab = new PairLab(output, _shared);
        int holder = lab.Holder!.Value;
        using var attacker = new PeerAttacker(lab.Network, holder);
        Eventually.IsTrue(() => attacker.Heard.Count > 5, "the peer says nothing");
        // Also what a process said that is gone.
        lab.Process(1 - holder).Kill();
        lab.Start(1 - holder);
        Eventually.IsTrue(() => lab.Process(1 - holder).IsReady(), lab.Logs, 10);
        if (isAway)
        {
            lab.Server.GoAway().GetAwaiter().GetResult();
            Eventually.IsTrue(() => attacker.Heard.Any(PeerAttacker.IsPromise), lab.Logs);
        }

        (int gaps, byte[][] captured) = (lab.Gaps, [.. attacker.Heard]);
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < 4 && lab.Gaps == gaps)
        {
            Array.ForEach(captured, attacker.SendAllOf);
        }

        Assert.True((lab.Gaps, lab.Holder, lab.Fault) == (gaps, holder, null), lab.Logs());
        Assert.All((int[])[0, 1], pod => Assert.True(lab.Process(pod).IsReady(), lab.Logs()));
    }

    /// <summary>A promise of the peer alone keeps the addresses at a holder that nobody else hears.</summary>
    [RootFact]
    public void Promises_of_the_past_and_of_a_third_pod_are_none()
    {
        using var lab = new PairLab(output, _shared);
        int holder = lab.Holder!.Value;
        using var attacker = new PeerAttacker(lab.Network, holder);
        lab.Server.GoAway().GetAwaiter().GetResult();
        Eventually.IsTrue(() => attacker.Heard.Count(PeerAttacker.IsPromise) > 5, lab.Logs);
        int gaps = lab.Gaps;
        // With the key and the name of the peer, the addresses stay: the attacker does all that a peer does.
        attacker.PromisesAs = PairLab.NameOf(1 - holder);
        lab.Network.SetPeers(areCut: true);
        long began = Stopwatch.GetTimestamp();
        Eventually.IsTrue(() => lab.Gaps > gaps || Stopwatch.GetElapsedTime(began).TotalSeconds > 3, lab.Logs);
        Assert.Equal((gaps, holder), (lab.Gaps, lab.Holder));

        attacker.PromisesAs = "er-c";
        byte[][] promises = [.. attacker.Heard.Where(PeerAttacker.IsPromise)];
        Eventually.IsTrue(
            () =>
            {
                Array.ForEach(promises, promise => attacker.Send(holder, promise));
                return lab.CountOf(holder) == 0;
            },
            () => $"a promise counts that the peer did not give\n{lab.Logs()}");
        Assert.Null(lab.Fault);
    }
}
