using System.Collections.Immutable;
using EgressOperator.Controller;
using Kubernetes;
using Serilog;

namespace EgressOperator.Overview;

/// <summary>What the controllers of the cluster have told within a day. The API server keeps events for an hour only.</summary>
internal sealed class EventHistory
{
    private readonly Reflector<ToldEvent?> _events;

    private readonly TimeProvider _clock;

    private readonly KeptEvents _kept = new();

    public EventHistory(IKubernetesApi api, ILogger log, TimeProvider clock)
    {
        _clock = clock;
        _events = new ObjectReader(api, log, clock).Reflect(Resource.Events, ToldEvent.Read, ToldEvent.Selection);
        _events.Changed += change =>
        {
            if (change.After is ToldEvent told)
            {
                _kept.Add(told);
            }
        };
    }

    public long ChangeCount => _events.ChangeCount;

    public Task RunAsync(CancellationToken cancellation) => _events.RunAsync(cancellation);

    /// <summary>The newest first.</summary>
    public ImmutableArray<ToldEvent> Read() => _kept.Read(_clock.GetUtcNow());
}

/// <summary>The newest events of a day.</summary>
internal sealed class KeptEvents
{
    private const int Most = 1000;

    private readonly Lock _lock = new();

    private readonly SortedDictionary<(DateTimeOffset Time, string Key), ToldEvent> _kept = [];

    public void Add(ToldEvent told)
    {
        lock (_lock)
        {
            _kept[(told.Time, told.Key)] = told;
            if (_kept.Count > Most)
            {
                RemoveOldest();
            }
        }
    }

    /// <summary>The newest first.</summary>
    public ImmutableArray<ToldEvent> Read(DateTimeOffset now)
    {
        lock (_lock)
        {
            while (_kept.Count > 0 && _kept.First().Key.Time < now - ToldEvent.Longest)
            {
                RemoveOldest();
            }

            return [.. _kept.Values.Reverse()];
        }
    }

    private void RemoveOldest() => _kept.Remove(_kept.First().Key);
}
