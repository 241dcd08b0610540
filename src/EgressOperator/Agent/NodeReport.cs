using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using EgressDataPath.Kernel;
using EgressIp;
using EgressOperator.Controller;
using Kubernetes;
using Netlink;
using Serilog;

namespace EgressOperator.Agent;

/// <summary>What an agent says of its node, in the EgressNode of the same name.</summary>
/// <param name="Fault">Why the data path is not as it is to be; null: it is.</param>
/// <param name="Obstacles">What may drop packets, or lead them past the data path.</param>
/// <param name="Unencrypted">Why users may take the tunnel for encrypted; null: nothing suggests it.</param>
/// <param name="IsDraining">Whether the node is to hold no addresses, because its agent ends.</param>
internal sealed record NodeReport(
    ImmutableArray<LinkNetwork> Networks,
    ImmutableArray<IPAddress> Held,
    ImmutableArray<Takeover> Taken,
    ImmutableArray<(IPAddress Address, MacAddress Mac)> Conflicts,
    ImmutableArray<string> Missing,
    string? Fault,
    ImmutableArray<string> Obstacles,
    bool IsDraining = false,
    string? Unencrypted = null)
{
    /// <param name="sinceOf">When a condition of this type got this status.</param>
    public JsonObject ToStatus(Func<string, bool, DateTimeOffset> sinceOf)
    {
        var status = new JsonObject
        {
            ["version"] = BuildInfo.Version,
            ["conditions"] = new JsonArray(
                Condition(
                    "Ready", Fault is null, Fault is null ? "DataPathReady" : "DataPathFaulty", Fault ?? "the data path is as it is to be"),
                Condition(
                    "Unobstructed", Obstacles.IsEmpty, Obstacles.IsEmpty ? "NothingFound" : "ObstaclesFound",
                    Obstacles.IsEmpty ? "nothing on the node is known to stand in the way of packets" : string.Join("; ", Obstacles))),
        };
        if (IsDraining)
        {
            // The controller gives no address to a node that is not reachable, and takes away what it has.
            status["conditions"]!.AsArray().Add((JsonNode)Condition("Reachable", false, "Draining", "the agent of the node ends"));
        }

        if (Unencrypted is not null)
        {
            status["conditions"]!.AsArray().Add((JsonNode)Condition("Encrypted", false, "TunnelNotEncrypted", Unencrypted));
        }

        // Server-side apply makes null of a list whose last item goes. A field that is not applied any more goes as a whole.
        foreach ((string name, JsonArray list) in (IEnumerable<(string, JsonArray)>)
        [
            ("networks", List(Networks, network => new JsonObject
            {
                ["link"] = network.Link,
                ["cidr"] = network.Cidr.ToString(),
                ["addresses"] = Texts(network.Addresses),
                ["gateways"] = Texts(network.Gateways),
            })),
            ("egressIPs", Texts(Held)),
            ("taken", List(Taken, taken => new JsonObject { ["egressIP"] = taken.Address.ToString(), ["from"] = taken.From })),
            ("conflicts", List(Conflicts, conflict => new JsonObject
            {
                ["egressIP"] = conflict.Address.ToString(),
                ["mac"] = conflict.Mac.ToString(),
            })),
            ("missing", Texts(Missing)),
        ])
        {
            if (list.Count > 0)
            {
                status[name] = list;
            }
        }

        return status;

        JsonObject Condition(string type, bool holds, string reason, string message) => new()
        {
            ["type"] = type,
            ["status"] = holds ? "True" : "False",
            ["reason"] = reason,
            ["message"] = message,
            ["lastTransitionTime"] = ConditionFields.Time(sinceOf(type, holds)),
        };
    }

    private static JsonArray Texts<T>(ImmutableArray<T> items) => List(items, item => JsonValue.Create(item!.ToString()));

    private static JsonArray List<T>(ImmutableArray<T> items, Func<T, JsonNode?> write) => new([.. items.Select(write)]);
}

/// <summary>Writes the EgressNode of a node: the newest report, when the API takes it.</summary>
internal sealed class NodeReporter(IKubernetesApi api, string node, Func<string?> uidOfNode, ILogger log, TimeProvider clock)
{
    private const string FieldManager = "egress-operator-agent";

    private readonly Channel<bool> _changed =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private volatile JsonObject? _wanted;

    private string? _written;

    private readonly Dictionary<string, (bool Holds, DateTimeOffset Since)> _conditions = [];

    private NodeReport _newest = new([], [], [], [], [], null, []);

    /// <summary>Gives the newest report.</summary>
    public void Report(NodeReport report)
    {
        _newest = report;
        JsonObject status = report.ToStatus(SinceOf);
        if (_wanted is null || !JsonNode.DeepEquals(_wanted, status))
        {
            _wanted = status;
            Wake();
        }
    }

    /// <summary>Says that the data path is not as it is to be. Nobody asks for conflicts now; the rest is as it was.</summary>
    public void ReportFault(string fault) => Report(_newest with { Fault = fault, Conflicts = [] });

    private DateTimeOffset SinceOf(string type, bool holds)
    {
        if (!_conditions.TryGetValue(type, out (bool Holds, DateTimeOffset Since) known) || known.Holds != holds)
        {
            _conditions[type] = known = (holds, clock.GetUtcNow());
        }

        return known.Since;
    }

    /// <summary>Writes again, because the object in the API differs or is gone.</summary>
    public void Repeat()
    {
        _written = null;
        Wake();
    }

    /// <summary>Works until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var pause = new Backoff(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(5));
        while (true)
        {
            await _changed.Reader.ReadAsync(cancellation);
            try
            {
                if (_wanted is JsonObject status && status.ToJsonString() is string text && text != _written)
                {
                    await WriteAsync(status, cancellation);
                    _written = text;
                }

                pause.Reset();
            }
            catch (ApiException failure)
            {
                TimeSpan wait = pause.Next(failure);
                log.Warning("{Failure:l}; trying again in {Pause:0.0} s", [failure.Message, wait.TotalSeconds]);
                await Task.Delay(wait, clock, cancellation);
                Wake();
            }
        }
    }

    private async Task WriteAsync(JsonObject status, CancellationToken cancellation)
    {
        JsonObject named = Named();
        // The object goes with its Node.
        if (uidOfNode() is string uid)
        {
            named["metadata"]!["ownerReferences"] = new JsonArray(new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Node",
                ["name"] = node,
                ["uid"] = uid,
            });
        }

        await api.ApplyAsync(ClusterCache.EgressNodeResource, null, node, null, named, FieldManager, force: true, cancellation);
        JsonObject withStatus = Named();
        withStatus["status"] = status.DeepClone();
        await api.ApplyAsync(ClusterCache.EgressNodeResource, null, node, "status", withStatus, FieldManager, force: true, cancellation);
    }

    private JsonObject Named() => new()
    {
        ["apiVersion"] = ClusterCache.EgressNodeResource.ApiVersion,
        ["kind"] = ClusterCache.EgressNodeResource.Kind,
        ["metadata"] = new JsonObject { ["name"] = node },
    };

    private void Wake() => _changed.Writer.TryWrite(true);
}
