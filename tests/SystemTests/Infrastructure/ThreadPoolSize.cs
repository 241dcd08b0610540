using System.Runtime.CompilerServices;

namespace SystemTests;

/// <summary>
/// Each program that a test waits for keeps two threads of the pool, which read what it writes, and the pool makes a new
/// one only every half second: what is run sixteen at once would be measured waiting for threads.
/// </summary>
internal static class ThreadPoolSize
{
    private const int Threads = 100;

    [ModuleInitializer]
    internal static void Make() => ThreadPool.SetMinThreads(Threads, Threads);
}
