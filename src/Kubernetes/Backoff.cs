namespace Kubernetes;

/// <summary>Growing pauses between attempts: each twice as long as the one before, and up to a half more at random.</summary>
/// <param name="first">The first pause.</param>
/// <param name="longest">The longest, before chance adds to it.</param>
public sealed class Backoff(TimeSpan first, TimeSpan longest)
{
    /// <summary>What a proxy asks for while it is maintained may be hours.</summary>
    private static readonly TimeSpan _longestAsked = TimeSpan.FromMinutes(1);

    private int _attempts;

    /// <summary>Begins again with the first pause, after a success.</summary>
    public void Reset() => _attempts = 0;

    /// <summary>The next pause.</summary>
    /// <param name="failure">What has failed. If the server asked to wait longer, the pause is as long, up to a minute.</param>
    public TimeSpan Next(Exception failure)
    {
        double seconds = Math.Min(first.TotalSeconds * Math.Pow(2, _attempts), longest.TotalSeconds);
        _attempts++;
        // Clients that failed together would otherwise come back together.
        var pause = TimeSpan.FromSeconds(seconds * (1 + (Random.Shared.NextDouble() / 2)));
        TimeSpan asked = (failure as ApiException)?.RetryAfter ?? TimeSpan.Zero;
        return asked > pause ? TimeSpan.FromTicks(Math.Min(asked.Ticks, Math.Max(pause.Ticks, _longestAsked.Ticks))) : pause;
    }
}
