using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using EgressIp;
using Kubernetes;
using Serilog;

namespace EgressOperator.Controller;

/// <summary>The events of one EgressIP: each is told once, when it begins to hold.</summary>
internal sealed class ObjectEvents(EventRecorder recorder, ILogger log)
{
    private readonly Queue<JsonObject> _unwritten = [];

    private ImmutableHashSet<(EventReason, string)> _told = [];

    /// <summary>Counts events as told, because an earlier leader has told them.</summary>
    public void MarkTold(IEnumerable<Event> events) => _told = _told.Union(events.Select(KeyOf));

    /// <summary>Whether exactly these have been told.</summary>
    public bool HasTold(ImmutableArray<Event> events) => _unwritten.Count == 0 && _told.SetEquals(events.Select(KeyOf));

    /// <summary>Writes what holds now and did not hold before.</summary>
    /// <param name="holding">What holds now.</param>
    /// <param name="once">What has just happened.</param>
    /// <returns>How many events are new, and told.</returns>
    /// <exception cref="ApiException">Some are not written; call again.</exception>
    public async Task<int> TellAsync(
        ObjectMeta involved, ImmutableArray<Event> holding, ImmutableArray<Event> once, CancellationToken cancellation)
    {
        Event[] fresh = [.. holding.Where(one => !_told.Contains(KeyOf(one))), .. once];
        int told = 0;
        foreach (Event one in fresh)
        {
            log.Information("EgressIP {Name:l}: {Reason}: {Message:l}", [involved.Name, one.Reason, one.Message]);
            if (recorder.New(
                ClusterCache.EgressIPResource, involved, one.Type.ToString(), one.Reason.ToString(), one.Message, one.Subject)
                is JsonObject made)
            {
                _unwritten.Enqueue(made);
                told++;
            }
        }

        _told = [.. holding.Select(KeyOf)];
        while (_unwritten.TryPeek(out JsonObject? next))
        {
            try
            {
                await recorder.WriteAsync(next, cancellation);
            }
            catch (ApiException failure) when (failure.Code is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden
                or HttpStatusCode.NotFound or HttpStatusCode.UnprocessableEntity)
            {
                log.Error("an event is lost: {Failure:l}", [failure.Message]);
            }

            _unwritten.Dequeue();
        }

        return told;
    }

    private static (EventReason Reason, string Subject) KeyOf(Event one) => (one.Reason, one.Subject);
}
