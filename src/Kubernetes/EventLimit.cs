namespace Kubernetes;

/// <summary>
/// Bounds the events of one kind: of what changes often, such as the pods of a namespace with jobs, each change would be an event.
/// As clients of the API do, it allows a burst, and then few.
/// </summary>
internal sealed class EventLimit(TimeProvider clock)
{
    /// <summary>So many are allowed at once.</summary>
    public const int Burst = 25;

    /// <summary>With more kinds, those whose burst is whole again are forgotten.</summary>
    private const int MostKinds = 10_000;

    /// <summary>After the burst, one in this time.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();

    /// <summary>Until when the events of a kind count, and how many were refused since the last one.</summary>
    private readonly Dictionary<(string Uid, string Reason), (TimeSpan Until, long Refused)> _kinds = [];

    /// <param name="refused">How many events of this kind were refused since the last one that was allowed.</param>
    public bool Allows(string uid, string reason, out long refused)
    {
        TimeSpan now = clock.GetElapsedTime(0);
        lock (_lock)
        {
            (TimeSpan until, refused) = _kinds.GetValueOrDefault((uid, reason));
            bool isAllowed = until - now <= Interval * (Burst - 1);
            _kinds[(uid, reason)] = isAllowed ? ((until > now ? until : now) + Interval, 0) : (until, refused + 1);
            if (_kinds.Count > MostKinds)
            {
                foreach ((string, string) kind in _kinds.Where(one => one.Value.Until <= now).Select(one => one.Key).ToArray())
                {
                    _kinds.Remove(kind);
                }
            }

            return isAllowed;
        }
    }
}
