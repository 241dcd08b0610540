namespace Benchmarks;

/// <summary>Measured times of one thing.</summary>
internal sealed class Samples
{
    private readonly List<TimeSpan> _times = [];

    /// <summary>The median: half of the times are no longer.</summary>
    public TimeSpan Median
    {
        get
        {
            TimeSpan[] sorted = [.. _times.Order()];
            return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }

    /// <summary>The shortest time: what is left when nothing disturbs.</summary>
    public TimeSpan Minimum => _times.Min();

    /// <summary>The longest time.</summary>
    public TimeSpan Maximum => _times.Max();

    /// <summary>Adds a time; from any thread.</summary>
    public void Add(TimeSpan time)
    {
        lock (_times)
        {
            _times.Add(time);
        }
    }
}
