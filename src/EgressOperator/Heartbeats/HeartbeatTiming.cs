namespace EgressOperator.Heartbeats;

/// <summary>The times of the heartbeats; all follow from these two.</summary>
/// <param name="Interval">Between two beats of a node to another.</param>
/// <param name="MissingAfter">A node that was not heard for this long is missing.</param>
/// <remarks>
/// Why a node is isolated before others call it dead: an acknowledgement of a beat that was sent at T supports the sender until
/// T + <see cref="Lease"/>. A voter says "missing" no earlier than T + <see cref="MissingAfter"/>, and acknowledges nothing until
/// <see cref="Hold"/> after it last said so. Its word counts when it was said for <see cref="Grace"/> without a break, and not longer than
/// <see cref="Fresh"/> after it was last heard. So at the time of a verdict no voter of that majority supports the node any more.
/// </remarks>
internal sealed record HeartbeatTiming(TimeSpan Interval, TimeSpan MissingAfter)
{
    /// <summary>Each 200 ms; missing after 600 ms.</summary>
    public static HeartbeatTiming Default { get; } = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(600));

    /// <summary>Between two beats while a node is missing, or this one is isolated.</summary>
    public TimeSpan Hurry => Interval / 2;

    /// <summary>The longest sleep, so that a pause is noticed; also the time to a beat when the set of missing nodes has changed.</summary>
    public TimeSpan Tick => Interval / 8;

    /// <summary>A process that wakes later than this after its deadline was paused: it does not use what has arrived since.</summary>
    public TimeSpan Lateness => Interval / 4;

    /// <summary>The longest time that a message may take from one process to another.</summary>
    public TimeSpan Delay => Interval / 2;

    /// <summary>For how long a voter's word counts after it was heard.</summary>
    public TimeSpan Fresh => 2 * Interval;

    /// <summary>How long a voter must have missed a node, by its word, before this counts for a verdict.</summary>
    public TimeSpan Grace => 1.5 * Interval;

    /// <summary>How long a node is not acknowledged after it was last called missing: until nobody counts that any more.</summary>
    public TimeSpan Hold => Fresh + Delay + Tick + Lateness;

    /// <summary>How long an acknowledged beat supports its sender. What is left until a verdict is the time to drop addresses.</summary>
    public TimeSpan Lease => MissingAfter + Grace - (Interval / 2);

    /// <summary>How long a new peer counts as if it heard this node: it has had no time to answer.</summary>
    public TimeSpan Welcome => 10 * Interval;

    /// <summary>How long a new peer has no vote and no verdict: longer, because not all nodes know it at the same time.</summary>
    public TimeSpan Probation => 15 * Interval;
}
