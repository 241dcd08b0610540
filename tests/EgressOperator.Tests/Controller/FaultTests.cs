using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using ApiServer;

namespace EgressOperator.Tests.Controller;

/// <summary>An answer that is an error, late or cut changes neither the end nor the events.</summary>
public sealed class FaultTests : ChangingCluster
{
    /// <summary>Answers, cuts and delays, which the first request of each kind gets.</summary>
    public static TheoryData<string> Faults => new(_faults.Keys);

    private static readonly Dictionary<string, Fault> _faults = new()
    {
        ["409"] = Fault.Answer(409),
        ["429"] = Fault.Answer(429, TimeSpan.FromSeconds(1)),
        ["500"] = Fault.Answer(500),
        ["503"] = Fault.Answer(503),
        ["410"] = Fault.Answer(410),
        ["cut before"] = Fault.CutBefore,
        ["cut after"] = Fault.CutAfter,
        ["late"] = Fault.Delay(TimeSpan.FromSeconds(1)),
        ["cut in a line"] = Fault.CutLine(),
        ["damaged line"] = Fault.DamagedLine(),
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Each_call_fails_at_first(string fault)
    {
        var failed = new ConcurrentDictionary<string, bool>();
        Server.Add(_faults[fault], request => failed.TryAdd($"{request.Verb} {request.Path}", true), int.MaxValue);
        await ChangeAsync();
        Assert.Contains("apply /apis/k8s.ovn.org/v1/egressips/e", failed.Keys);
        Assert.Contains("create /api/v1/namespaces/default/events", failed.Keys);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(422)]
    public async Task What_is_refused_again_and_again_is_tried_after_pauses(int code)
    {
        using FaultRule rule = Server.Add(Fault.Answer(code), request => request.Verb == "apply", int.MaxValue);
        using ControllerProcess controller = Cluster.StartController();
        await Cluster.UntilAsync(() => Task.FromResult(rule.Count > 0), () => "nothing is written");
        for (int change = 0; change < 40; change++)
        {
            // Others change meanwhile, and each change makes a new assignment.
            Server.Apply(Samples.Pod("prod", $"p{change}", "n3", $"10.244.4.{change + 1}"));
            await Task.Delay(100);
        }

        // 0.2, 0.4, 0.8, 1.6 and 3.2 seconds.
        Assert.InRange(rule.Count, 2, 6);
        rule.Dispose();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1", "192.168.126.102@n2"], "AllAssigned");
    }

    [Fact]
    public async Task Events_that_cannot_be_read_do_not_stop_the_assignment()
    {
        Server.Add(Fault.Answer(500), request => request is { Verb: "list", Resource: "events" }, int.MaxValue);
        using ControllerProcess controller = Cluster.StartController();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1", "192.168.126.102@n2"], "AllAssigned");
    }

    [Fact]
    public async Task An_address_of_an_EgressIP_that_is_deleted_during_a_write_is_free()
    {
        Server.Add(Fault.LateAnswer(TimeSpan.FromSeconds(1)), request => request is { Verb: "apply", Name: "e" });
        using ControllerProcess controller = Cluster.StartController();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1", "192.168.126.102@n2"]);
        Server.Delete("egressips", "e");
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        Server.Apply(Samples.EgressIP("f", "192.168.126.10"));
        await Cluster.UntilAsync("f", ["192.168.126.10@n1"], "AllAssigned");
    }

    [Fact]
    public async Task A_fight_over_a_status_is_fought_slowly()
    {
        using ControllerProcess controller = Cluster.StartController();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1", "192.168.126.102@n2"], "AllAssigned");
        Server.ForgetRequests();
        for (int attack = 0; attack < 30; attack++)
        {
            Server.Apply(Samples.Of("k8s.ovn.org/v1", "EgressIP", "e", new JsonObject
            {
                ["status"] = new JsonObject { ["items"] = new JsonArray() },
            }));
            await Task.Delay(100);
        }

        Assert.Single(Server.Requests, request => request.Verb == "apply");

        // What is news is written at once.
        Server.Apply(Samples.Label("n1", null));
        await Cluster.UntilAsync("e", ["192.168.126.10@n3", "192.168.126.102@n2"], "AllAssigned");
    }
}
