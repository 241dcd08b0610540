namespace SystemTests.Reliability;

/// <summary>
/// How much of a long test is done: all of it in <c>make test-faults</c>, in <c>make test</c> a sample, which is the same
/// in every run.
/// </summary>
internal static class Sampling
{
    /// <summary>Whether everything is wanted.</summary>
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("EGRESS_ROUTER_TESTS") == "full";

    /// <summary>A number that is smaller in a sample.</summary>
    public static int Count(int full, int sample) => IsFull ? full : sample;

    /// <summary>All cases, or about <paramref name="count"/> of them, evenly spread.</summary>
    public static T[] Sample<T>(IReadOnlyList<T> all, int count)
    {
        // An odd step meets each of the eight error numbers.
        int step = Math.Max(1, all.Count / count) | 1;
        return IsFull ? [.. all] : [.. all.Where((_, index) => index % step == 0)];
    }
}
