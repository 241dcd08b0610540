using System.Diagnostics;
using ApiServer;
using Shared;
using SystemTests.Reliability;
using Xunit.Abstractions;

namespace SystemTests.Hold;

/// <summary>What the clients of a pair see, by the Service and in the egress network.</summary>
public class ClientTests(ITestOutputHelper output)
{
    private static readonly string[] _shared = ["192.0.2.100", "fd00:2::100"];

    private static readonly int _times = Sampling.IsFull ? 20 : 2;

    /// <summary>An ordinary run may be slower: other tests run beside it.</summary>
    private static readonly double _slack = Sampling.IsFull ? 0 : 0.5;

    [RootTheory]
    [InlineData("SIGTERM", 0.5, 0.3)]
    [InlineData("SIGKILL", 1.5, 1.5)]
    [InlineData("pod deleted", 1.5, 1.5)]
    [InlineData("carrier lost", 2.0, 2.0)]
    [InlineData("silent cut", 2.0, 2.0)]
    [InlineData("node lost", 2.0, 2.0)]
    public void Clients_follow_when_the_holder_fails(string what, double service, double hosts)
    {
        using var lab = new PairLab(output, [.. Shared]);
        using var traffic = new PairTraffic(lab, _shared);
        List<double> byService = [];
        List<double> byHosts = [];
        for (int time = 0; time < _times; time++)
        {
            int holder = lab.Holder!.Value;
            int[] changes = traffic.Sources.Changes;
            long since = Stopwatch.GetTimestamp();
            Action heal = Fail(lab, what, holder);
            lab.UntilHolds(1 - holder, since);
            traffic.UntilAllWork();
            byService.Add(traffic.Service.Max(client => client.GapSince(since)).TotalSeconds);
            byHosts.Add(traffic.Hosts.Max(client => client.GapSince(since)).TotalSeconds);
            long healed = Stopwatch.GetTimestamp();
            heal();
            lab.UntilBothAreReady();
            traffic.UntilAllWork();
            Assert.Equal([0, 0, 0, 0], traffic.All.Select(client => client.FailuresSince(healed)));
            // Packets of the old holder arrived before those of the new one, and none later.
            AssertChanged(changes, traffic);
        }

        AssertNoFault(lab, traffic);
        string figures = $"clients of a pair, {what}, {_times} times: Service {Figures.Spread(byService)}; "
            + $"hosts of the egress network {Figures.Spread(byHosts)}";
        lab.Note(figures);
        Assert.True(byService.Max() < service + _slack && byHosts.Max() < hosts + _slack, figures);
    }

    [RootFact]
    public void Clients_see_nothing_while_the_API_server_is_away()
    {
        using var lab = new PairLab(output, [.. Shared]);
        using var traffic = new PairTraffic(lab, _shared);
        int holder = lab.Holder!.Value;
        long since = Stopwatch.GetTimestamp();
        lab.Server.GoAway().GetAwaiter().GetResult();
        UntilPassed(Sampling.IsFull ? 60 : 4);
        Assert.True(lab.Process(holder).Metric("egress_pair_promises_received_total") > 10, lab.Logs());
        lab.Server.Return().GetAwaiter().GetResult();
        // The grace of the standby, and more.
        UntilPassed(5);
        Assert.Equal([0, 0, 0, 0], traffic.All.Select(client => client.FailuresSince(since)));
        Assert.Equal([0, 0], traffic.Sources.Changes);
        AssertNoFault(lab, traffic);
    }

    /// <summary>On both networks. Then nobody can promise anything, so without the API server too nobody serves.</summary>
    [RootFact]
    public void Two_pods_that_are_cut_from_each_other_never_serve_at_once()
    {
        using var lab = new PairLab(output, [.. Shared]);
        using var traffic = new PairTraffic(lab, _shared);
        for (int time = 0; time < _times; time++)
        {
            int holder = lab.Holder!.Value;
            int[] changes = traffic.Sources.Changes;
            long since = Stopwatch.GetTimestamp();
            lab.Network.SetPeers(areCut: true);
            UntilPassed(2);
            Assert.Equal([0, 0, 0, 0], traffic.All.Select(client => client.FailuresSince(since)));
            lab.Server.GoAway().GetAwaiter().GetResult();
            Eventually.IsTrue(() => lab.CountOf(0) + lab.CountOf(1) == 0, lab.Logs);
            // Only the other one reaches the server at first.
            using (lab.Server.Add(Fault.Silence, PairLab.IsOf(holder), int.MaxValue))
            {
                lab.Server.Return().GetAwaiter().GetResult();
                Eventually.IsTrue(() => lab.Holder == 1 - holder, lab.Logs, 10);
            }

            long healed = Stopwatch.GetTimestamp();
            lab.Network.SetPeers(areCut: false);
            lab.UntilBothAreReady();
            traffic.UntilAllWork();
            Assert.Equal([0, 0, 0, 0], traffic.All.Select(client => client.FailuresSince(healed)));
            AssertChanged(changes, traffic);
        }

        AssertNoFault(lab, traffic);
        lab.Note($"clients of a pair, cut from each other and healed, {_times} times: never two that serve");
    }

    /// <summary>The host is on the side of the old holder, and learns nothing of the new one until the cut is healed.</summary>
    [RootFact]
    public void Hosts_are_right_soon_after_a_cut_between_two_switches_is_healed()
    {
        using var lab = new PairLab(output, [.. Shared]);
        using var traffic = new PairTraffic(lab, _shared);
        List<double> learned = [];
        List<double> gaps = [];
        for (int time = 0; time < _times; time++)
        {
            int holder = lab.Holder!.Value;
            int[] changes = traffic.Sources.Changes;
            long since = Stopwatch.GetTimestamp();
            lab.Network.SetSwitches(holder, areCut: true);
            lab.UntilHolds(1 - holder, since);
            // The announcements after the takeover.
            UntilPassed(1.5);
            long healed = Stopwatch.GetTimestamp();
            lab.Network.SetSwitches(holder, areCut: false);
            string mac = lab.Network.MacOf(1 - holder);
            Eventually.IsTrue(
                () => _shared.All(address =>
                    Lab.In(lab.Network.Host, "ip", "neighbor", "show", address).Contains(mac, StringComparison.Ordinal)),
                lab.Logs, 10);
            learned.Add(Stopwatch.GetElapsedTime(healed).TotalSeconds);
            traffic.UntilAllWork();
            gaps.Add(traffic.Hosts.Max(client => client.GapSince(healed)).TotalSeconds);
            lab.UntilBothAreReady();
            AssertChanged(changes, traffic);
        }

        AssertNoFault(lab, traffic);
        string figures = $"clients of a pair, a cut between two switches is healed, {_times} times: "
            + $"hosts of the egress network know it {Figures.Spread(learned)}; their connections {Figures.Spread(gaps)}";
        lab.Note(figures);
        // The holder has asked for the host in vain, and its kernel asks again after a second.
        Assert.True(learned.Max() < 0.5 + _slack && gaps.Max() < 1.5 + _slack, figures);
    }

    private static IEnumerable<string> Shared => [$"{_shared[0]}/24", $"{_shared[1]}/64"];

    /// <returns>What heals the pod.</returns>
    private static Action Fail(PairLab lab, string what, int holder)
    {
        PairNetwork network = lab.Network;
        switch (what)
        {
            case "carrier lost":
                network.SetCarrier(holder, isUp: false);
                return () => network.SetCarrier(holder, isUp: true);
            case "silent cut":
                network.SetSilent(holder, isCut: true);
                return () => network.SetSilent(holder, isCut: false);
            case "node lost":
                FaultRule silence = lab.Server.Add(Fault.Silence, PairLab.IsOf(holder), int.MaxValue);
                network.SetLost(holder, isLost: true);
                return () =>
                {
                    network.SetLost(holder, isLost: false);
                    silence.Dispose();
                };
            case "pod deleted":
                lab.Process(holder).Signal("KILL");
                network.RemovePod(holder);
                return () =>
                {
                    network.AddPod(holder);
                    lab.Start(holder);
                };
            default:
                lab.Process(holder).Signal(what["SIG".Length..]);
                return () =>
                {
                    lab.Process(holder).UntilItEnds();
                    lab.Start(holder);
                };
        }
    }

    private static void AssertChanged(int[] before, PairTraffic traffic) => Assert.True(
        traffic.Sources.Changes.SequenceEqual(before.Select(count => count + 1)), $"two pods sent by turns:\n{traffic.Sources.Text()}");

    private static void AssertNoFault(PairLab lab, PairTraffic traffic) =>
        Assert.True((lab.Fault, traffic.Sources.Fault) == (null, null), $"{traffic.Sources.Fault}\n{lab.Logs()}");

    private static void UntilPassed(double seconds)
    {
        long began = Stopwatch.GetTimestamp();
        Assert.True(Eventually.Becomes(() => Stopwatch.GetElapsedTime(began).TotalSeconds > seconds, (int)seconds + 5));
    }
}
