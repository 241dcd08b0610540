namespace EgressOperator.Controller;

/// <summary>Work that goes on until it is cancelled.</summary>
internal static class Runs
{
    /// <summary>Runs work that blocks in a thread of its own.</summary>
    public static Task InThread(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Runs all until one ends, then cancels the others.</summary>
    public static async Task EitherAsync(CancellationToken cancellation, params IEnumerable<Func<CancellationToken, Task>> runs)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] tasks = [.. runs.Select(run => run(all.Token))];
        await Task.WhenAny(tasks);
        await all.CancelAsync();
        // The failure of the one that ended first, not the cancellation of the others.
        await (Array.Find(tasks, task => task.IsFaulted) ?? Task.WhenAll(tasks));
    }
}
