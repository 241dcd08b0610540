using System.Threading.Channels;

namespace Kubernetes;

/// <summary>
/// Keys whose objects need work. A key that is added several times before its work begins is worked on once; the work on one key never
/// runs twice at a time; work that fails is tried again after a pause that grows for each key, and not before, whoever adds the key.
/// </summary>
/// <param name="clock">For pauses.</param>
public sealed class WorkQueue<TKey>(TimeProvider clock)
    where TKey : notnull
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(0.2);

    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(10);

    private readonly Channel<TKey> _ready = Channel.CreateUnbounded<TKey>();

    private readonly Lock _lock = new();

    private readonly HashSet<TKey> _waiting = [];

    private readonly HashSet<TKey> _running = [];

    private readonly HashSet<TKey> _again = [];

    private readonly HashSet<TKey> _failed = [];

    private readonly Dictionary<TKey, Backoff> _pauses = [];

    /// <summary>How many keys wait for their work, also those in a pause.</summary>
    public int Length
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count + _again.Count + _failed.Count;
            }
        }
    }

    /// <summary>Adds a key.</summary>
    public void Add(TKey key)
    {
        lock (_lock)
        {
            if (_running.Contains(key))
            {
                _again.Add(key);
            }
            else if (!_failed.Contains(key) && _waiting.Add(key))
            {
                _ready.Writer.TryWrite(key);
            }
        }
    }

    /// <summary>Adds a key after a while.</summary>
    public void AddLater(TKey key, TimeSpan pause, CancellationToken cancellation) => _ = AddLaterAsync(key, pause, cancellation);

    /// <summary>Works until it is cancelled.</summary>
    /// <param name="workers">How many keys are worked on at a time.</param>
    /// <param name="work">Works on a key.</param>
    /// <param name="failed">Hears of work that failed, and of the pause until it is tried again.</param>
    public async Task RunAsync(
        int workers,
        Func<TKey, CancellationToken, Task> work,
        Action<TKey, Exception, TimeSpan> failed,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(failed);
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync(work, failed, cancellation)));
    }

    private async Task WorkAsync(
        Func<TKey, CancellationToken, Task> work, Action<TKey, Exception, TimeSpan> failed, CancellationToken cancellation)
    {
        await foreach (TKey key in _ready.Reader.ReadAllAsync(cancellation))
        {
            Begin(key);
            Exception? failure = null;
            try
            {
                await work(key, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                End(key);
                throw;
            }
#pragma warning disable CA1031 // One key's failure must not stop the others; it is told and tried again.
            catch (Exception thrown)
#pragma warning restore CA1031
            {
                failure = thrown;
            }

            if (failure is null)
            {
                Forget(key);
                End(key);
            }
            else
            {
                TimeSpan pause = PauseOf(key).Next(failure);
                failed(key, failure, pause);
                Pause(key);
                _ = EndPauseAsync(key, pause, cancellation);
            }
        }
    }

    private void Begin(TKey key)
    {
        lock (_lock)
        {
            _waiting.Remove(key);
            _running.Add(key);
        }
    }

    private void End(TKey key)
    {
        lock (_lock)
        {
            _running.Remove(key);
            if (_again.Remove(key))
            {
                Add(key);
            }
        }
    }

    private void Forget(TKey key)
    {
        lock (_lock)
        {
            _pauses.Remove(key);
        }
    }

    private Backoff PauseOf(TKey key)
    {
        lock (_lock)
        {
            if (!_pauses.TryGetValue(key, out Backoff? pause))
            {
                _pauses[key] = pause = new Backoff(_firstPause, _longestPause);
            }

            return pause;
        }
    }

    /// <summary>What was added during the work that failed is a part of the next attempt.</summary>
    private void Pause(TKey key)
    {
        lock (_lock)
        {
            _running.Remove(key);
            _again.Remove(key);
            _failed.Add(key);
        }
    }

    private async Task EndPauseAsync(TKey key, TimeSpan pause, CancellationToken cancellation)
    {
        await Task.Delay(pause, clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _failed.Remove(key);
        }

        Add(key);
    }

    private async Task AddLaterAsync(TKey key, TimeSpan pause, CancellationToken cancellation)
    {
        await Task.Delay(pause, clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Add(key);
    }
}
