using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using ApiServer;
using EgressOperator.Tests.Controller;

namespace EgressOperator.Tests.Routers;

/// <summary>Whatever goes wrong between the controller and the API server, the end is the same.</summary>
public sealed class RouterFaultTests : IAsyncLifetime
{
    private static readonly string[] _made = ["network-attachment-definitions", "services", "deployments"];

    private static readonly Dictionary<string, Fault> _faults = new()
    {
        ["409"] = Fault.Answer(409),
        ["422"] = Fault.Answer(422),
        ["429"] = Fault.Answer(429, TimeSpan.FromSeconds(1)),
        ["500"] = Fault.Answer(500),
        ["cut after"] = Fault.CutAfter,
        ["late"] = Fault.Delay(TimeSpan.FromSeconds(1)),
        ["damaged line"] = Fault.DamagedLine(),
    };

    private OwnCluster? _own;

    public static TheoryData<string> Faults => new(_faults.Keys);

    private OwnCluster Cluster => _own ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync() => _own = await OwnCluster.StartAsync();

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Each_call_fails_at_first(string fault)
    {
        var failed = new ConcurrentDictionary<string, bool>();
        Cluster.Server.Add(
            _faults[fault],
            request => request.Resource is not ("" or "leases") && failed.TryAdd($"{request.Verb} {request.Path}", true),
            int.MaxValue);
        Cluster.Server.Apply(RouterSamples.Router("er", "192.168.12.99/24"));
        Cluster.Server.Apply(RouterSamples.Router("wrong", "192.168.12.98"));
        using ControllerProcess controller = Cluster.StartController("--egress-ip=false");
        await UntilMadeAsync();
        await UntilConditionsAsync("er", "Available False, Degraded False, Progressing True");
        await UntilConditionsAsync("wrong", "Available False, Degraded True, Progressing False");
        await Cluster.UntilAsync(
            async () => (await Cluster.EventsAsync("EgressRouter")).Count(one => one == "wrong: InvalidSpec") == 1, () => "no event");
        Cluster.Server.Apply(RouterSamples.Router("er", new JsonObject { ["fallbackIP"] = "203.0.113.27" }, "192.168.12.99/24"));
        await Cluster.UntilAsync(
            () => Task.FromResult(Cluster.Server.All("services") is [JsonObject one] && (string?)one["spec"]!["clusterIP"] == "None"),
            () => "the Service is as before");
        Assert.Equal(0, controller.Terminate());
        Assert.Contains("apply /apis/network.operator.openshift.io/v1/namespaces/default/egressrouters/er/status", failed.Keys);
        Assert.Contains("delete /api/v1/namespaces/default/services/er", failed.Keys);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_leader_that_is_killed_at_a_write_is_followed_by_one_that_ends_the_work(bool isDone) // B16
    {
        // What one leader writes in all: three objects and the status.
        for (int write = 1; write <= 4; write++)
        {
            Cluster.Server.Apply(RouterSamples.Router("er", "192.168.12.99/24"));
            int count = 0;
            using FaultRule rule = Cluster.Server.Add(
                isDone ? Fault.LateAnswer(TimeSpan.FromSeconds(20)) : Fault.Silence,
                request => IsWrite(request) && Interlocked.Increment(ref count) == write);
            using (ControllerProcess first = Cluster.StartController())
            {
                await Cluster.UntilAsync(() => Task.FromResult(rule.Count == 1), () => $"there is no write {write}");
                first.Kill();
            }

            string[] before = [.. _made.SelectMany(resource => Cluster.Server.All(resource)).Select(UidOf)];
            // The first two go out together.
            int least = write < 3 ? 0 : write == 3 && !isDone ? 2 : 3;
            Assert.InRange(before.Length, least, Math.Max(least, 2));
            // The killed leader cannot give its Lease up.
            Cluster.Server.Delete("leases", "egress-operator", "kube-system");
            using (ControllerProcess second = Cluster.StartController())
            {
                await UntilMadeAsync();
                await UntilConditionsAsync("er", "Available False, Degraded False, Progressing True");
                second.Terminate();
            }

            Assert.Subset(_made.SelectMany(resource => Cluster.Server.All(resource)).Select(UidOf).ToHashSet(), before.ToHashSet());
            await DeleteAsync();
        }
    }

    [Fact]
    public async Task Nothing_is_left_of_a_deleted_router() // B12
    {
        Cluster.Server.Apply(RouterSamples.Router("er", "192.168.12.99/24"));
        Cluster.Server.Apply(RouterSamples.Router("wrong", "192.168.12.98"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilMadeAsync();
        await UntilConditionsAsync("wrong", "Available False, Degraded True, Progressing False");
        Cluster.Server.Delete("egressrouters", "wrong", RouterSamples.Space);
        await DeleteAsync();
        await Cluster.UntilAsync(
            async () => (await controller.HttpAsync("/metrics")).Text is string metrics
                && metrics.Contains("\negress_operator_egressrouters 0\n", StringComparison.Ordinal)
                && metrics.Contains("\negress_operator_degraded_egressrouters 0\n", StringComparison.Ordinal),
            () => "the controller remembers");

        // Its address and its name are free.
        Cluster.Server.Apply(RouterSamples.Router("other", "192.168.12.99/24"));
        await UntilConditionsAsync("other", "Available False, Degraded False, Progressing True");
        Cluster.Server.Apply(RouterSamples.Router("er", "192.168.12.97/24"));
        await UntilConditionsAsync("er", "Available False, Degraded False, Progressing True");
    }

    [Fact]
    public async Task A_fight_over_an_object_is_fought_once_a_second()
    {
        Cluster.Server.Apply(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilMadeAsync();
        await UntilConditionsAsync("er", "Available False, Degraded False, Progressing True");
        Cluster.Server.ForgetRequests();
        for (int attack = 0; attack < 30; attack++)
        {
            Cluster.Server.Apply(Samples.Of("apps/v1", "Deployment", "er", new JsonObject
            {
                ["metadata"] = new JsonObject { ["namespace"] = RouterSamples.Space },
                ["spec"] = new JsonObject { ["replicas"] = 3 },
            }));
            await Task.Delay(100);
        }

        Assert.InRange(Cluster.Server.Requests.Count(request => request is { Verb: "apply", Resource: "deployments" }), 2, 5);
        await Cluster.UntilAsync(
            async () => (int)(await Cluster.GetAsync("deployments", "er"))["spec"]!["replicas"]! == 1, () => "3 replicas remain");
        Assert.Equal(["er: Restored"], await Cluster.EventsAsync("EgressRouter"));
    }

    [Fact]
    public async Task A_webhook_that_does_not_answer_is_told()
    {
        using FaultRule rule = Cluster.Server.Add(
            Fault.Answer(500), request => request is { Verb: "apply", Resource: "deployments" }, int.MaxValue);
        Cluster.Server.Apply(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilConditionsAsync("er", "Available False, Degraded True, Progressing False");
        Assert.InRange(rule.Count, 3, 4);
        await Cluster.UntilAsync(
            async () => (await Cluster.EventsAsync("EgressRouter")).SequenceEqual(["er: Refused"]), () => "no event, or several");
        rule.Dispose();
        await UntilConditionsAsync("er", "Available False, Degraded False, Progressing True");
        await UntilMadeAsync();
    }

    /// <summary>A quota may answer so. Only "already exists" says that there is a key.</summary>
    [Fact]
    public async Task A_conflict_at_the_key_of_a_pair_is_tried_again()
    {
        Cluster.Server.Add(Fault.Answer(409), request => request is { Verb: "create", Resource: "secrets" });
        using ControllerProcess controller = await MakePairAsync();
    }

    /// <summary>The controller may not read Secrets, so nothing tells it.</summary>
    [Fact]
    public async Task A_deleted_key_of_a_pair_is_made_again()
    {
        using ControllerProcess controller = await MakePairAsync();
        Cluster.Server.Delete("secrets", "er", RouterSamples.Space);
        await Cluster.UntilAsync(() => Task.FromResult(Cluster.Server.All("secrets").Count == 1), () => "there is no key", TimeSpan.FromSeconds(25));
    }

    [Theory]
    [InlineData("network-attachment-definitions")]
    [InlineData("namespaces")]
    public async Task A_kind_that_may_not_be_read_stops_only_what_needs_it(string resource)
    {
        Cluster.Server.Add(Fault.Answer(403), request => request.Verb == "list" && request.Resource == resource, int.MaxValue);
        Cluster.Server.Apply(Samples.Node("n1", 12));
        Cluster.Server.Apply(Samples.EgressIP("e", "192.168.126.10"));
        Cluster.Server.Apply(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        if (resource == "namespaces")
        {
            await UntilMadeAsync();
            Assert.Empty(TestCluster.ItemsOf(await Cluster.GetAsync("egressips", "e")));
        }
        else
        {
            await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
            Assert.Empty(Cluster.Server.All("deployments"));
        }

        Assert.Equal(503, (await controller.HttpAsync("/readyz")).Status);
    }

    [Fact]
    public async Task A_cluster_without_Multus_is_refused_only_if_routers_are_asked_for()
    {
        Cluster.Server.Delete("customresourcedefinitions", "network-attachment-definitions.k8s.cni.cncf.io");
        Outcome outcome = Operator.Run($"controller --port 0 --egress-router=true --kubeconfig {Cluster.Kubeconfig}");
        Assert.Equal(2, outcome.ExitCode);
        const string reason =
            "the cluster has no NetworkAttachmentDefinition (k8s.cni.cncf.io/v1): apply its CustomResourceDefinition first";
        Assert.EndsWith($"egress-operator: {reason}\n", outcome.Stderr, StringComparison.Ordinal);

        using ControllerProcess controller = Cluster.StartController().UntilItLeads();
        Assert.Contains($"[warning] {reason}; the controller starts without\n", controller.Log, StringComparison.Ordinal);
        Assert.Equal(200, (await controller.HttpAsync("/readyz")).Status);
    }

    /// <summary>Whoever may write a pod or an attachment may write anything into it.</summary>
    [Fact]
    public async Task What_strangers_write_does_not_end_the_controller()
    {
        JsonObject own = new() { ["app.kubernetes.io/managed-by"] = "egress-operator", ["app.kubernetes.io/instance"] = "er" };
        JsonObject pod = Samples.Pod(RouterSamples.Space, "hostile", "n1", "10.244.1.9");
        pod["metadata"]!["labels"] = own.DeepClone();
        pod["metadata"]!["annotations"] = new JsonObject { ["k8s.v1.cni.cncf.io/network-status"] = """["\ud83d\u0041"]""" };
        Cluster.Server.Apply(pod);
        (string, string)[] attachments =
        [
            ("half", """{ "ip": { "addresses": ["\ud800"] } }"""), ("list", "[]"), ("none", "{"),
            // It has the label, but no EgressRouter owns it.
            ("taken", """{ "ip": { "addresses": ["192.168.12.99/24"] } }"""),
        ];
        foreach ((string name, string config) in attachments)
        {
            Cluster.Server.Apply(Samples.Of("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", name, new JsonObject
            {
                ["metadata"] = new JsonObject { ["namespace"] = RouterSamples.Space, ["labels"] = own.DeepClone() },
                ["spec"] = new JsonObject { ["config"] = config },
            }));
        }

        Cluster.Server.Apply(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilConditionsAsync("er", "Available False, Degraded False, Progressing True");
        Assert.Equal(0, controller.Terminate());
    }

    /// <summary>A controller makes a pair, all of it within seconds.</summary>
    private async Task<ControllerProcess> MakePairAsync()
    {
        JsonObject pair = RouterSamples.Router("er", "192.168.12.99/24");
        pair["metadata"]!["annotations"] = new JsonObject { ["egress-router-cni.io/replicas"] = "2" };
        Cluster.Server.Apply(pair);
        ControllerProcess controller = Cluster.StartController("--hold-image", "example.com/egress-operator:1");
        await UntilMadeAsync();
        Assert.Single(Cluster.Server.All("secrets"));
        return controller;
    }

    private static bool IsWrite(ApiRequest request) =>
        request.Verb is "apply" && (_made.Contains(request.Resource) || request.Resource == "egressrouters");

    private static string UidOf(JsonObject one) => (string)one["metadata"]!["uid"]!;

    private Task UntilMadeAsync() => Cluster.UntilAsync(
        () => Task.FromResult(_made.All(resource => Cluster.Server.All(resource).Count == 1)),
        () => string.Join(", ", _made.Select(resource => $"{Cluster.Server.All(resource).Count} {resource}")));

    private async Task DeleteAsync()
    {
        Cluster.Server.Delete("egressrouters", "er", RouterSamples.Space);
        await Cluster.UntilAsync(
            () => Task.FromResult(_made.All(resource => Cluster.Server.All(resource).Count == 0)), () => "something is left");
    }

    private Task UntilConditionsAsync(string name, string wanted)
    {
        string seen = "";
        return Cluster.UntilAsync(
            async () =>
            {
                JsonArray conditions = (await Cluster.GetAsync("egressrouters", name))["status"]?["conditions"]?.AsArray() ?? [];
                seen = string.Join(", ", conditions.Select(one => $"{one!["type"]} {one["status"]}").Order(StringComparer.Ordinal));
                return seen == wanted;
            },
            () => $"EgressRouter {name} should have {wanted}, but has {seen}");
    }
}
