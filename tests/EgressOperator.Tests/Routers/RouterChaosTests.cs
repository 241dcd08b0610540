using System.Globalization;
using System.Text.Json.Nodes;
using ApiServer;
using EgressOperator.Tests.Controller;
using Shared;

namespace EgressOperator.Tests.Routers;

/// <summary>An API server that misbehaves at random, while users change and delete at random.</summary>
public sealed class RouterChaosTests
{
    private const int Routers = 20;

    private static readonly string[] _made = ["network-attachment-definitions", "services", "deployments"];

    private static readonly Fault[] _faults =
    [
        Fault.Answer(409), Fault.Answer(410), Fault.Answer(429, TimeSpan.FromSeconds(1)), Fault.Answer(500), Fault.Answer(503),
        Fault.CutBefore, Fault.CutAfter, Fault.Delay(TimeSpan.FromSeconds(0.3)), Fault.LateAnswer(TimeSpan.FromSeconds(0.3)),
        Fault.CutLine(), Fault.DamagedLine(),
    ];

    /// <summary>10 minutes in the full run.</summary>
    private static readonly TimeSpan _duration =
        TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("EGRESS_ROUTER_TESTS") == "full" ? 600 : 15);

    private readonly Random _random = new(20261128);

    [Fact]
    public async Task In_the_end_all_is_right_and_the_memory_is_flat()
    {
        await using OwnCluster cluster = await OwnCluster.StartAsync();
        using ControllerProcess controller = cluster.StartController().UntilItLeads();
        DateTime began = DateTime.UtcNow;
        long early = 0;
        int steps = 0;
        List<FaultRule> rules = [];
        while (DateTime.UtcNow - began < _duration)
        {
            Change(cluster.Server);
            rules.Add(cluster.Server.Add(
                _faults[_random.Next(_faults.Length)], Sometimes(_random.Next(2, 12)), times: _random.Next(1, 4)));
            if (early == 0 && DateTime.UtcNow - began > _duration / 4)
            {
                early = controller.Memory;
            }

            steps++;
            await Task.Delay(_random.Next(10, 100));
        }

        rules.ForEach(rule => rule.Dispose());
        string wrong = "";
        await cluster.UntilAsync(
            () => Task.FromResult((wrong = WhatIsWrong(cluster.Server)).Length == 0), () => wrong, TimeSpan.FromSeconds(90));
        long late = controller.Memory;
        Figures.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"EgressRouters, {_duration.TotalSeconds:0} s of an API server that misbehaves: {steps} changes, "
            + $"{rules.Sum(rule => rule.Count)} faults; memory {early >> 20} -> {late >> 20} MiB"));
        Assert.InRange(late, 0, early + (early / 2) + (16 << 20));
        Assert.Equal(0, controller.Terminate());
    }

    private static Func<ApiRequest, bool> Sometimes(int each)
    {
        int count = 0;
        return request => request.Resource != "leases" && Interlocked.Increment(ref count) % each == 0;
    }

    private void Change(KubeApiServer server)
    {
        string name = $"er{_random.Next(Routers)}";
        switch (_random.Next(10))
        {
            case 0:
                DeleteIfThere(server, "egressrouters", name);
                break;
            case 1:
                DeleteIfThere(server, _made[_random.Next(_made.Length)], name);
                break;
            case 2 when server.All("deployments").Any(one => (string?)one["metadata"]!["name"] == name):
                server.Apply(Samples.Of("apps/v1", "Deployment", name, new JsonObject
                {
                    ["metadata"] = new JsonObject { ["namespace"] = RouterSamples.Space },
                    ["spec"] = new JsonObject { ["replicas"] = _random.Next(5) },
                }));
                break;
            case 3:
                server.CutWatches();
                break;
            case 4 when _random.Next(10) == 0:
                server.MuteWatches();
                break;
            case 5:
                server.ExpireHistory();
                break;
            default:
                // Some ask for the address of another one, and some are faulty.
                server.Apply(RouterSamples.Router(
                    name,
                    _random.Next(3) == 0
                        ? new JsonObject { ["fallbackIP"] = "203.0.113.27" }
                        : new JsonObject { ["redirectRules"] = new JsonArray(RouterSamples.Rule(_random.Next(80, 90))) },
                    $"192.168.12.{_random.Next(1, 25)}{(_random.Next(10) == 0 ? "" : "/24")}"));
                break;
        }
    }

    private static void DeleteIfThere(KubeApiServer server, string resource, string name)
    {
        if (server.All(resource).Any(one => (string?)one["metadata"]!["name"] == name))
        {
            server.Delete(resource, name, RouterSamples.Space);
        }
    }

    /// <summary>What is not as it should be; empty if all is.</summary>
    private static string WhatIsWrong(KubeApiServer server)
    {
        ILookup<string, JsonObject> made = _made.SelectMany(resource => server.All(resource)).ToLookup(NameOf);
        JsonObject[] routers = [.. server.All("egressrouters")];
        var users = new Dictionary<string, string>();
        foreach (JsonObject router in routers)
        {
            if (WhatIsWrong(router, [.. made[NameOf(router)]], users) is string wrong)
            {
                return wrong;
            }
        }

        return string.Join(", ", made.Select(one => one.Key).Except(routers.Select(NameOf)));
    }

    // The users are the EgressRouters that have been looked at, by their address.
    private static string? WhatIsWrong(JsonObject router, JsonObject[] made, Dictionary<string, string> users)
    {
        JsonNode[] conditions = [.. (router["status"]?["conditions"]?.AsArray() ?? []).Select(one => one!)];
        if (conditions.Length != 3
            || conditions.Any(one => !JsonNode.DeepEquals(one["observedGeneration"], router["metadata"]!["generation"])))
        {
            return $"the conditions of {NameOf(router)} are {router["status"]?.ToJsonString()}";
        }

        string? reason = (string?)conditions.Single(one => (string?)one["type"] == "Degraded")["reason"];
        string address = (string)router["spec"]!["addresses"]![0]!["ip"]!;
        string[] possible = address.EndsWith("/24", StringComparison.Ordinal) ? ["AsExpected", "AddressInUse"] : ["InvalidSpec"];
        if (!possible.Contains(reason))
        {
            return $"{NameOf(router)} with {address} is {reason}";
        }

        if (reason != "AsExpected")
        {
            return null;
        }

        bool isAsAsked = made.Length == 3
            && made.Any(one => ((string?)one["spec"]!["config"])?.Contains($"\"{address}\"", StringComparison.Ordinal) == true)
            && made.Any(one => one["spec"]!["replicas"]?.ToString() == "1");
        return !isAsAsked ? $"{NameOf(router)} with {address} has {string.Join(", ", made.Select(one => one.ToJsonString()))}"
            : users.TryAdd(address, NameOf(router)) ? null : $"{NameOf(router)} and {users[address]} have {address}";
    }

    private static string NameOf(JsonObject one) => (string)one["metadata"]!["name"]!;
}
