using System.Diagnostics;
using System.Text.Json.Nodes;
using ApiServer;
using Shared;
using SystemTests.Reliability;
using Xunit.Abstractions;

namespace SystemTests.Hold;

/// <summary>Two holders in two namespaces, and what ends one of them.</summary>
public class HoldTests(ITestOutputHelper output)
{
    private const string Address4 = "192.0.2.100/24";

    private const string Address6 = "fd00:2::100/64";

    private static readonly string[] _several = [Address4, Address6, "192.0.2.101/24", "fd00:2::101/64"];

    private static readonly int _times = Sampling.IsFull ? 20 : 2;

    /// <summary>SIGTERM tells the peer. After SIGKILL and SIGSTOP the Lease ends; before, the kernel has removed the addresses.</summary>
    [RootTheory]
    [InlineData("TERM", 0.6, "both")]
    [InlineData("KILL", 2.0, "both")]
    [InlineData("KILL", 2.0, "IPv4")]
    [InlineData("KILL", 2.0, "IPv6")]
    [InlineData("KILL", 2.0, "several")]
    [InlineData("STOP", 2.0, "both")]
    public void Another_holder_takes_over_when_the_process_ends(string signal, double limit, string families)
    {
        string[] shared = families switch
        {
            "IPv4" => [Address4],
            "IPv6" => [Address6],
            "several" => _several,
            _ => [Address4, Address6],
        };
        using var lab = new PairLab(output, shared);
        Measure(lab, $"SIG{signal}, {families}", limit, holder =>
        {
            lab.Process(holder).Signal(signal);
            return () =>
            {
                if (signal == "STOP")
                {
                    lab.Process(holder).Signal("CONT");
                }
                else
                {
                    lab.Process(holder).UntilItEnds();
                    lab.Start(holder);
                }
            };
        });
    }

    [RootFact]
    public void Another_holder_takes_over_when_the_carrier_is_lost()
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        Measure(lab, "carrier lost", limit: 1, holder =>
        {
            lab.Network.SetCarrier(holder, isUp: false);
            return () => lab.Network.SetCarrier(holder, isUp: true);
        });
    }

    [RootFact]
    public void Another_holder_takes_over_when_the_egress_network_is_cut_silently()
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        Measure(lab, "silent cut", limit: 2.5, holder =>
        {
            lab.Network.SetSilent(holder, isCut: true);
            return () => lab.Network.SetSilent(holder, isCut: false);
        });
    }

    /// <summary>It lets go, because its peer reaches the API server and promises nothing.</summary>
    [RootFact]
    public void Another_holder_takes_over_when_only_the_first_is_cut_from_the_API_server()
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        Measure(lab, "API server cut for the holder", limit: 2.5, holder =>
        {
            FaultRule cut = lab.Server.Add(Fault.Silence, PairLab.IsOf(holder), int.MaxValue);
            return cut.Dispose;
        }, rest: 4); // Whoever was cut off promises for 3 s more.
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nothing_moves_while_the_API_server_is_away_for_both(bool isSilent)
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        int holder = lab.Holder!.Value;
        int gaps = lab.Gaps;
        FaultRule? silence = isSilent ? lab.Server.Add(Fault.Silence, times: int.MaxValue) : null;
        if (!isSilent)
        {
            lab.Server.GoAway().GetAwaiter().GetResult();
        }

        AssertNothingMoves(lab, holder, gaps, seconds: 8);
        Assert.True(lab.Process(holder).Metric("egress_pair_promises_received_total") > 10, lab.Logs());
        silence?.Dispose();
        if (!isSilent)
        {
            lab.Server.Return().GetAwaiter().GetResult();
        }

        // The grace of the standby, and more.
        AssertNothingMoves(lab, holder, gaps, seconds: 5);
        Assert.Equal(0, lab.Process(holder).Metric("egress_pair_api_away"));
    }

    /// <summary>The Lease can be read, and the standby could not write it either.</summary>
    [RootTheory]
    [InlineData("refused")]
    [InlineData("not done in time")]
    [InlineData("done, and answered late")]
    public void Nothing_moves_while_the_API_server_does_not_let_renew(string how)
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        (int holder, int gaps) = (lab.Holder!.Value, lab.Gaps);
        var late = TimeSpan.FromSeconds(0.4);
        Fault fault = how switch
        {
            "refused" => Fault.Answer(500),
            "not done in time" => Fault.Delay(late),
            _ => Fault.LateAnswer(late),
        };
        using (lab.Server.Add(fault, request => request is { Verb: "update", Resource: "leases" }, int.MaxValue))
        {
            AssertNothingMoves(lab, holder, gaps, seconds: 8);
            Assert.True(lab.Process(holder).Metric("egress_pair_promises_received_total") > 10, lab.Logs());
        }

        AssertNothingMoves(lab, holder, gaps, seconds: 4);
    }

    /// <summary>Each could say that the other reaches it, before that one has noticed.</summary>
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nothing_moves_while_the_egress_network_is_away_for_both(bool isSilent)
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        Action<bool> set = isSilent ? lab.Network.SetSilents : areCut => lab.Network.SetCarriers(!areCut);
        for (int time = 0; time < 3; time++)
        {
            (int holder, int gaps) = (lab.Holder!.Value, lab.Gaps);
            set(true);
            Eventually.IsTrue(() => !lab.Process(0).IsReady() && !lab.Process(1).IsReady(), lab.Logs);
            AssertNothingMoves(lab, holder, gaps, seconds: 1);
            set(false);
            lab.UntilBothAreReady();
            AssertNothingMoves(lab, holder, gaps, seconds: 1);
        }
    }

    /// <summary>Another program has added it, with another prefix length and without a lifetime.</summary>
    [RootFact]
    public void An_address_from_before_is_removed_at_the_start()
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        lab.Process(0).Kill();
        lab.Process(1).Kill();
        Eventually.IsTrue(() => lab.CountOf(0) + lab.CountOf(1) == 0, lab.Logs);
        Lab.Batch(lab.Network.PodOf(0), "address add 192.0.2.100/32 dev net1\naddress add fd00:2::100/128 dev net1 nodad");
        lab.Start(0);
        lab.Start(1);
        Eventually.IsTrue(() => lab.Holder is not null, lab.Logs);
        lab.UntilBothAreReady();
        string[] there = [.. ((int[])[0, 1]).Select(pod => Lab.In(lab.Network.PodOf(pod), "ip", "-o", "address", "show", "dev", "net1"))];
        Assert.All(there, addresses => Assert.DoesNotMatch(@" (192\.0\.2\.100/32|fd00:2::100/128) ", addresses));
    }

    [RootFact]
    public void Nothing_moves_while_the_pods_are_cut_from_each_other()
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        (int holder, int gaps) = (lab.Holder!.Value, lab.Gaps);
        lab.Network.SetPeers(areCut: true);
        AssertNothingMoves(lab, holder, gaps, seconds: 3);
        // Then nobody can promise anything, and both let go.
        lab.Server.GoAway().GetAwaiter().GetResult();
        Eventually.IsTrue(() => lab.CountOf(0) + lab.CountOf(1) == 0, lab.Logs);
        lab.Server.Return().GetAwaiter().GetResult();
        Eventually.IsTrue(() => lab.Holder is not null, lab.Logs, 6);
        Assert.Null(lab.Fault);
    }

    /// <summary>After a failover there is no other one for a while. The longest lease has the longest pauses.</summary>
    [RootFact]
    public void A_lone_holder_keeps_its_address()
    {
        using var lab = new PairLab(output, [Address4], "--lease-seconds", "10");
        int holder = lab.Holder!.Value;
        lab.Process(1 - holder).Kill();
        int gaps = lab.Gaps;
        Assert.False(Eventually.Becomes(() => lab.Gaps > gaps || lab.Holder != holder, 13), lab.Logs());
    }

    [RootFact]
    public void The_EndpointSlice_has_the_holder_and_is_put_back()
    {
        using var lab = new PairLab(output, [Address4]);
        JsonObject slice = lab.Slice!;
        Assert.Equal("er", (string?)slice["metadata"]!["labels"]!["kubernetes.io/service-name"]);
        Assert.Equal("egress-router-pair", (string?)slice["metadata"]!["labels"]!["endpointslice.kubernetes.io/managed-by"]);
        Assert.Equal(
            ("sql", "TCP", 5433),
            ((string?)slice["ports"]![0]!["name"], (string?)slice["ports"]![0]!["protocol"], (int?)slice["ports"]![0]!["port"]));
        JsonNode owner = slice["metadata"]!["ownerReferences"]![0]!;
        Assert.Equal("Service er", $"{owner["kind"]} {owner["name"]}");
        string pod = PairLab.NameOf(lab.Holder!.Value);
        Assert.Equal(pod, (string?)slice["endpoints"]![0]!["targetRef"]!["name"]);
        Eventually.IsTrue(
            () => lab.Server.All("events").Any(told => (string?)told["reason"] == "Reassigned"
                && (string?)told["message"] == $"192.0.2.100: pod {pod} on node n{lab.Holder} holds them"),
            () => string.Join('\n', lab.Server.All("events")));
        string address = lab.Endpoint!;
        slice["endpoints"]![0]!["addresses"]![0] = "10.244.9.77";
        lab.Server.Apply(slice);
        Assert.Equal("10.244.9.77", lab.Endpoint);
        Eventually.IsTrue(() => lab.Endpoint == address, lab.Logs, 8);
    }

    [RootFact]
    public void A_Service_with_a_selector_is_refused()
    {
        using var lab = new PairLab(output, [Address4]);
        lab.Server.ApplyYaml("""
            apiVersion: v1
            kind: Service
            metadata: {name: er, namespace: default}
            spec: {selector: {app: er}}
            """);
        Eventually.IsTrue(
            () => lab.Process(lab.Holder!.Value).Log.Contains("it has a selector", StringComparison.Ordinal), lab.Logs, 8);
        Assert.False(lab.Process(lab.Holder!.Value).IsReady());
        Assert.Equal(0, lab.Process(lab.Holder!.Value).Metric("egress_pair_endpoints_written"));
    }

    /// <summary>Else the Service would lead to whatever pod gets its address next. The other one is gone, or does not start.</summary>
    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_last_pod_takes_itself_from_the_Service(bool isGone)
    {
        using var lab = new PairLab(output, [Address4]);
        int holder = lab.Holder!.Value;
        lab.Process(1 - holder).Signal("TERM");
        lab.Process(1 - holder).UntilItEnds();
        if (isGone)
        {
            lab.Server.Delete("pods", PairLab.NameOf(1 - holder), "default");
        }

        Eventually.IsTrue(
            () => lab.Process(holder).Metric("egress_pair_other_pods") == (isGone ? 0 : 1)
                && lab.Process(holder).Metric("egress_pair_answer_age_seconds") > 1,
            lab.Logs);
        lab.Process(holder).Signal("TERM");
        lab.Process(holder).UntilItEnds();
        Assert.Empty(lab.Slice!["endpoints"]!.AsArray());
    }

    /// <summary>As when the Deployment is deleted: each hears that the other one is able until just before.</summary>
    [RootFact]
    public void Pods_that_end_together_leave_no_endpoint()
    {
        using var lab = new PairLab(output, [Address4]);
        foreach (int pod in (int[])[0, 1])
        {
            lab.Server.ApplyYaml($$"""
                apiVersion: v1
                kind: Pod
                metadata: { name: {{PairLab.NameOf(pod)}}, namespace: default, finalizers: [example.com/ends-later] }
                """);
            lab.Server.Delete("pods", PairLab.NameOf(pod), "default");
        }

        Thread.Sleep(500);
        lab.Process(0).Signal("TERM");
        lab.Process(1).Signal("TERM");
        lab.Process(0).UntilItEnds();
        lab.Process(1).UntilItEnds();
        Assert.Empty(lab.Slice!["endpoints"]!.AsArray());
    }

    /// <summary>A pod whose kernel refuses an address does not keep the Lease.</summary>
    [RootFact]
    public void What_the_kernel_refuses_goes_to_the_other_pod()
    {
        using var lab = new PairLab(output, [Address4, Address6]);
        int holder = lab.Holder!.Value;
        Lab.WriteSysctl(lab.Network.PodOf(1 - holder), "net/ipv6/conf/net1/disable_ipv6", "1");
        lab.Process(holder).Signal("TERM");
        lab.Process(holder).UntilItEnds();
        Eventually.IsTrue(
            () => lab.Process(1 - holder).Log.Contains("add fd00:2::100 to net1", StringComparison.Ordinal), lab.Logs);
        lab.Start(holder);
        Eventually.IsTrue(() => lab.Holder == holder && lab.CountOf(1 - holder) == 0, lab.Logs, 10);
        Assert.False(lab.Process(1 - holder).IsReady());
        Assert.Null(lab.Fault);
    }

    /// <summary>Another machine that has the address keeps it.</summary>
    [RootFact]
    public void An_address_that_another_machine_has_is_not_taken()
    {
        using var lab = new PairLab(output, [Address4]);
        int holder = lab.Holder!.Value;
        lab.Network.AddToGateway(Address4);
        lab.Process(holder).Signal("TERM");
        Eventually.IsTrue(
            () => lab.Process(1 - holder).Log.Contains(
                $"192.0.2.100 is not taken: {lab.Network.GatewayMac}", StringComparison.Ordinal),
            lab.Logs);
        Assert.Equal(0, lab.CountOf(1 - holder));
        lab.Network.RemoveFromGateway(Address4);
        Eventually.IsTrue(() => lab.Holder == 1 - holder, lab.Logs);
    }

    private static void AssertNothingMoves(PairLab lab, int holder, int gaps, int seconds)
    {
        long began = Stopwatch.GetTimestamp();
        Eventually.IsTrue(() => lab.Gaps > gaps || Stopwatch.GetElapsedTime(began).TotalSeconds > seconds, lab.Logs, seconds + 2);
        Assert.True((lab.Gaps, lab.Holder, lab.Fault) == (gaps, holder, null), $"{lab.Gaps - gaps} samples without a holder\n{lab.Logs()}");
    }

    /// <summary>
    /// Lets the holder fail, and measures until the other one serves; then the other way round. What <paramref name="fail"/> returns
    /// heals the pod; after <paramref name="rest"/> seconds the other one fails.
    /// </summary>
    private static void Measure(PairLab lab, string what, double limit, Func<int, Action> fail, int rest = 0)
    {
        List<double> taken = [];
        List<double> endpoint = [];
        for (int time = 0; time < _times; time++)
        {
            int holder = lab.Holder!.Value;
            long since = Stopwatch.GetTimestamp();
            Action heal = fail(holder);
            // While a stopped process still has them, the holder is not another.
            Eventually.IsTrue(() => lab.CountOf(holder) == 0, () => $"{PairLab.NameOf(holder)} keeps the addresses\n{lab.Logs()}");
            (TimeSpan addresses, TimeSpan service) = lab.UntilHolds(1 - holder, since);
            taken.Add(addresses.TotalSeconds);
            endpoint.Add(service.TotalSeconds);
            heal();
            lab.UntilBothAreReady();
            Thread.Sleep(TimeSpan.FromSeconds(rest));
        }

        Assert.True(lab.Fault is null, lab.Logs());
        string figures = $"pair, {what}, {_times} times: addresses {Figures.Spread(taken)}; endpoint {Figures.Spread(endpoint)}";
        lab.Note(figures);
        Assert.True(endpoint.Max() < limit, figures);
    }
}
