using System.Collections.Immutable;
using System.Text.Json;
using EgressOperator.Controller;
using EgressOperator.Routers;

namespace EgressOperator.Overview;

/// <summary>
/// The state of the cluster in parts, each of which is JSON under a key such as <c>nodes/n1</c>. It is made only while somebody looks. A
/// part that has not changed is the same array as before: who has seen a state finds what is new by comparing references.
/// </summary>
/// <param name="cluster">Null: this controller serves no EgressIPs.</param>
/// <param name="routers">Null: this controller serves no EgressRouters.</param>
internal sealed class StatusFeed(
    ClusterCache? cluster, RouterCache? routers, AttachmentCache attachments, EventHistory history, TrafficReader? traffic,
    TimeProvider clock)
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(5);

    /// <summary>Of an EgressIP, the page lists so many pods, and counts the others.</summary>
    private const int MostPods = 20;

    /// <summary>The shortest time between two states.</summary>
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();

    private readonly DateTimeOffset _began = clock.GetUtcNow();

    private ImmutableDictionary<string, byte[]> _parts = ImmutableDictionary<string, byte[]>.Empty;

    /// <summary>How many changes the parts have; less than none before they are made.</summary>
    private long _changes = -1;

    private long _madeAt;

    /// <summary>All that is known, as <c>egress-operator status -o json</c> writes it.</summary>
    public async Task<ClusterStatus> StatusAsync(CancellationToken cancellation)
    {
        await Task.WhenAny(attachments.WantAsync(), Task.Delay(_longestWait, clock, cancellation));
        return Status();
    }

    private ClusterStatus Status() => (cluster is null ? new ClusterStatus([], []) : ClusterStatus.Of(cluster, name: null)) with
    {
        Routers = ClusterStatus.Sorted(routers?.Routers.Objects ?? []),
        Attachments = attachments.Read(),
        Events = history.Read(),
    };

    /// <summary>The parts as they are now, or were half a second ago: the same dictionary, if nothing has changed.</summary>
    public ImmutableDictionary<string, byte[]> Look()
    {
        traffic?.Look();
        _ = attachments.WantAsync();
        lock (_lock)
        {
            long changes = (cluster?.ChangeCount ?? 0) + (routers?.Routers.ChangeCount ?? 0) + attachments.ChangeCount
                + history.ChangeCount + (traffic?.Rounds ?? 0);
            if (changes != _changes && (_changes < 0 || clock.GetElapsedTime(_madeAt) > _interval))
            {
                ImmutableDictionary<string, byte[]> before = _parts;
                var now = Parts().ToImmutableDictionary(
                    part => part.Key,
                    part => before.TryGetValue(part.Key, out byte[]? known) && known.AsSpan().SequenceEqual(part.Json) ? known : part.Json);
                bool isSame = now.Count == before.Count && now.All(part => before.GetValueOrDefault(part.Key) == part.Value);
                _parts = isSame ? before : now;
                (_changes, _madeAt) = (changes, clock.GetTimestamp());
            }

            return _parts;
        }
    }

    private IEnumerable<(string Key, byte[] Json)> Parts()
    {
        ClusterStatus status = Status();
        bool isReady = cluster?.Synced.IsCompletedSuccessfully != false && routers?.Synced.IsCompletedSuccessfully != false;
        return
        [
            ("about", Json(json =>
            {
                json.Members(("version", BuildInfo.Version), ("since", ConditionFields.Time(_began)));
                json.WriteBoolean("ready", isReady);
                json.WriteBoolean("attachmentsKnown", status.Attachments is not null);
            })),
            .. status.EgressIPs.Select(one => ($"egressIPs/{one.Name}", Json(json => StatusJson.EgressIP(json, one, MostPods)))),
            .. status.Nodes.Select(node => ($"nodes/{node.Node.Name}", Json(json => StatusJson.Node(json, node)))),
            .. status.Routers.Select(router => ($"routers/{router.Meta.Key}", Json(json => StatusJson.Router(json, router)))),
            .. (status.Attachments ?? []).Select(one => ($"attachments/{one.Key}", Json(json => StatusJson.Attachment(json, one)))),
            .. status.Events.Select(told => ($"events/{told.Key}", Json(json => StatusJson.Event(json, told)))),
            .. (traffic?.Addresses ?? []).Select(use => ($"traffic/{use.EgressIP}", Json(use.Write))),
            .. (traffic?.Faults ?? []).Select(fault => ($"faults/{fault.Key}", Json(json => json.WriteString("fault", fault.Value)))),
        ];
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
