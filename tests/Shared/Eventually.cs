using System.Diagnostics;

namespace Shared;

/// <summary>The tests' only wait: for a condition, with a limit.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits until the condition is true, or fails with a reason.</summary>
    public static void IsTrue(Func<bool> condition, string otherwise, int seconds = 5) => IsTrue(condition, () => otherwise, seconds);

    /// <summary>Waits until the condition is true, or fails with a reason that is computed then.</summary>
    public static void IsTrue(Func<bool> condition, Func<string> otherwise, int seconds = 5) =>
        Assert.True(Becomes(condition, seconds), otherwise());

    /// <summary>Waits, and returns whether the condition became true.</summary>
    public static bool Becomes(Func<bool> condition, int seconds = 5)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start).TotalSeconds > seconds)
            {
                return false;
            }

            Thread.Sleep(_pause);
        }

        return true;
    }
}
