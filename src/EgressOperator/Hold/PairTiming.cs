namespace EgressOperator.Hold;

/// <summary>
/// The times of a pair. All follow from the duration of the Lease. A pod serves for <see cref="Serve"/> from the start of the request that
/// gave it authority. The other one takes no earlier than <see cref="Respect"/> after it saw or gave that authority.
/// </summary>
/// <remarks>
/// The kernel removes the addresses of a process that has died. At most <see cref="Late"/> after the start of the request they get a
/// lifetime of <see cref="Lifetime"/>, and both together are no longer than <see cref="Respect"/>. But the kernel rounds up by a
/// quarter of a second, and if addresses change meanwhile, it looks for expired ones a second later. For that time the other pod finds
/// the address by its question to the neighbors, and waits.
/// </remarks>
internal sealed class PairTiming
{
    /// <summary>How long authority lasts for its holder.</summary>
    public required TimeSpan Serve { get; init; }

    /// <summary>How long the other pod respects it, counted by its own clock.</summary>
    public required TimeSpan Respect { get; init; }

    /// <summary>The longest age of authority when addresses are added or get a new lifetime; and the limit of requests.</summary>
    public required TimeSpan Late { get; init; }

    /// <summary>How long the kernel keeps addresses without a new lifetime: whole seconds, and one at least.</summary>
    public required TimeSpan Lifetime { get; init; }

    /// <summary>The time between renewals.</summary>
    public required TimeSpan Renew { get; init; }

    /// <summary>The age of the last renewal at which the holder asks its peer for a promise.</summary>
    public required TimeSpan Ask { get; init; }

    /// <summary>How long promises are given after the API server is back, so that the holder renews first.</summary>
    public required TimeSpan Grace { get; init; }

    /// <summary>How long after the loss of its link this pod waits for the peer to notice the same.</summary>
    public required TimeSpan Settle { get; init; }

    /// <summary>How long a peer that is not heard counts as it was.</summary>
    public required TimeSpan Fresh { get; init; }

    /// <summary>The time between two looks at the Lease of another.</summary>
    public required TimeSpan Look { get; init; }

    /// <summary>The time between two messages to the peer, and before a request that has failed is tried again.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest that a Lease may last.</summary>
    public const int MaxLeaseSeconds = 10;

    /// <summary>How long the other pod respects a Lease or a promise: longer than the Lease lasts.</summary>
    /// <param name="leaseSeconds">As its holder says. What cannot be right counts as the nearest that can.</param>
    public static TimeSpan RespectOf(double leaseSeconds) => TimeSpan.FromSeconds(Math.Clamp(leaseSeconds, 1, MaxLeaseSeconds) + 0.25);

    public static PairTiming Of(TimeSpan lease)
    {
        TimeSpan serve = lease * 0.8;
        var lifetime = TimeSpan.FromSeconds(Math.Max(1, Math.Floor(serve.TotalSeconds)));
        // Authority ends before the kernel removes the addresses.
        serve = serve < lifetime ? serve : lifetime;
        return new PairTiming
        {
            Serve = serve,
            Respect = RespectOf(lease.TotalSeconds),
            // A renewal that fails can be tried twice more.
            Late = serve / 4,
            Lifetime = lifetime,
            Renew = serve / 4,
            Ask = serve * 3 / 8,
            Look = lease / 10,
            Settle = TimeSpan.FromSeconds(0.3),
            Grace = TimeSpan.FromSeconds(3),
            Fresh = TimeSpan.FromSeconds(0.5),
        };
    }
}
