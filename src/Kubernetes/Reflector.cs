using System.Text.Json;
using Serilog;

namespace Kubernetes;

/// <summary>
/// Keeps a copy of the objects of a resource: it lists them, then watches for changes from the list's resource version on ("Kubernetes
/// API Concepts": efficient detection of changes). After a new list it tells only what differs from the copy, also what is gone.
/// </summary>
/// <typeparam name="T">What is kept of an object.</typeparam>
/// <param name="read">Reads an object; gets also what is kept of it, or default. It must not throw.</param>
/// <param name="log">Hears of failures of the API.</param>
/// <param name="clock">For pauses between attempts.</param>
public sealed class Reflector<T>(
    IKubernetesApi api, Resource resource, Selection selection, Func<JsonElement, T?, T> read, ILogger log, TimeProvider clock)
{
    /// <summary>
    /// A server that keeps the connection but has stopped to send is noticed when a watch does not end in time. So watches are short:
    /// a new one costs one request, because it goes on from the last resource version.
    /// </summary>
    private const int ShortestWatch = 12;

    private const int LongestWatch = 18;

    private static readonly TimeSpan _shortestPause = TimeSpan.FromSeconds(0.8);

    private readonly Backoff _pause = new(_shortestPause, TimeSpan.FromSeconds(15));

    private readonly Dictionary<string, Entry> _entries = [];

    private readonly Lock _lock = new();

    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The state that the copy has.</summary>
    private string _version = "";

    private bool _needsList = true;

    private long _changeCount;

    /// <summary>Whether the last watch ended before its time: then the server may have begun anew.</summary>
    private bool _endedEarly;

    /// <summary>Told for each change of the copy, one at a time. It must be quick, and must not throw.</summary>
    public event Action<Change<T>>? Changed;

    /// <summary>How many changes have been told: who has read the copy since then has seen all of them.</summary>
    public long ChangeCount => Interlocked.Read(ref _changeCount);

    /// <summary>Ends when the first list is complete.</summary>
    public Task Synced => _synced.Task;

    /// <summary>What is kept, in no order.</summary>
    public IReadOnlyList<T> Objects
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries.Values.Select(entry => entry.Object)];
            }
        }
    }

    /// <summary>What is kept of one object, with its metadata; null if there is none.</summary>
    /// <param name="key">See <see cref="ObjectMeta.Key"/>.</param>
    public (ObjectMeta Meta, T Object)? Find(string key)
    {
        lock (_lock)
        {
            return _entries.TryGetValue(key, out Entry? entry) ? (entry.Meta, entry.Object) : null;
        }
    }

    /// <summary>Takes over the answer to a write, so that the copy is not older than what this program has done.</summary>
    public void Observe(JsonElement source)
    {
        var meta = ObjectMeta.Of(source);
        lock (_lock)
        {
            // What a watch has told to be gone does not come back by an answer that was slower.
            if (_entries.TryGetValue(meta.Key, out Entry? known) && known.Meta.Uid == meta.Uid)
            {
                Put(meta, source);
            }
        }
    }

    /// <summary>Adds a listener to <see cref="Changed"/>, which first hears of all that is kept as of new objects.</summary>
    public void Subscribe(Action<Change<T>> listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        lock (_lock)
        {
            Changed += listener;
            foreach ((string key, Entry entry) in _entries)
            {
                listener(new Change<T>(key, default, entry.Object));
            }
        }
    }

    /// <summary>Works until it is cancelled. Failures of the API are tried again, after growing pauses.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            TimeSpan pause;
            try
            {
                await ListIfNeededAsync(cancellation);
                pause = await WatchAsync(cancellation);
            }
            catch (ApiException failure) when (failure.IsExpired)
            {
                // A server whose watches expire at once is not asked for list after list.
                pause = _pause.Next(failure);
                log.Debug("{Failure:l}; listing again in {Pause:0.0} s", [failure.Message, pause.TotalSeconds]);
                _needsList = true;
            }
            catch (ApiException failure)
            {
                pause = _pause.Next(failure);
                log.Warning("{Failure:l}; trying again in {Pause:0.0} s", [failure.Message, pause.TotalSeconds]);
            }

            await Task.Delay(pause, clock, cancellation);
        }
    }

    private async Task ListIfNeededAsync(CancellationToken cancellation)
    {
        if (!_needsList && _endedEarly)
        {
            // After a restore from a backup, versions are lower than ours: a watch from ours would not tell what has changed.
            ObjectPage newest = await api.ListPageAsync(resource, selection, limit: 1, continueToken: null, cancellation);
            _needsList = HasGoneBackTo(newest.ResourceVersion);
        }

        if (_needsList)
        {
            // Page by page: of a large list, only what is kept of each object is in memory at once.
            var list = new Dictionary<string, Entry>();
            string version = "";
            await foreach (ObjectPage page in api.PagesAsync(resource, selection, cancellation))
            {
                Read(page.Items, list);
                version = page.ResourceVersion;
            }

            Replace(list, HasGoneBackTo(version));
            (_version, _needsList) = (version, false);
            _synced.TrySetResult();
        }
    }

    private bool HasGoneBackTo(string version) => ObjectMeta.CompareVersions(version, _version) < 0;

    /// <returns>The pause before the next watch.</returns>
    private async Task<TimeSpan> WatchAsync(CancellationToken cancellation)
    {
        // Whole seconds, as the API takes them.
        var duration = TimeSpan.FromSeconds(Random.Shared.Next(ShortestWatch, LongestWatch + 1));
        long began = clock.GetTimestamp();
        _endedEarly = true;
        await foreach (WatchEvent change in api.WatchAsync(resource, selection, _version, duration, cancellation))
        {
            _version = Apply(change);
            _pause.Reset();
        }

        TimeSpan lasted = clock.GetElapsedTime(began);
        if (lasted >= duration - _shortestPause)
        {
            _endedEarly = false;
            _pause.Reset();
        }

        return lasted < _shortestPause ? _shortestPause : TimeSpan.Zero;
    }

    private void Read(IReadOnlyList<JsonElement> items, Dictionary<string, Entry> list)
    {
        lock (_lock)
        {
            foreach (JsonElement item in items)
            {
                var meta = ObjectMeta.Of(item);
                Entry? known = _entries.GetValueOrDefault(meta.Key);
                list[meta.Key] = known is null || known.Meta.Uid != meta.Uid ? new Entry(meta, read(item, default))
                    : known.Meta.ResourceVersion == meta.ResourceVersion ? known
                    : new Entry(meta, read(item, known.Object));
            }
        }
    }

    private void Replace(Dictionary<string, Entry> list, bool hasGoneBack)
    {
        if (hasGoneBack)
        {
            log.Warning("{Resource:l}: the API server has gone back to an older state", [resource.Plural]);
        }

        lock (_lock)
        {
            foreach ((string key, Entry entry) in list)
            {
                // An answer to a write may be newer than a list that began before it.
                Entry? known = _entries.GetValueOrDefault(key);
                if (known is null || hasGoneBack || known.Meta.Uid != entry.Meta.Uid || entry.Meta.IsNewerThan(known.Meta))
                {
                    Put(key, known, entry);
                }
            }

            foreach (string key in _entries.Keys.Except(list.Keys).ToArray())
            {
                Remove(key);
            }
        }
    }

    /// <returns>The resource version to go on from.</returns>
    private string Apply(WatchEvent change)
    {
        string version = change.Object.Object("metadata")?.Text("resourceVersion")
            ?? throw ApiException.Malformed("a watch event without metadata.resourceVersion");
        if (change.Type == WatchEventType.Bookmark)
        {
            return version;
        }

        var meta = ObjectMeta.Of(change.Object);
        lock (_lock)
        {
            if (change.Type == WatchEventType.Deleted)
            {
                Remove(meta.Key);
            }
            else
            {
                Put(meta, change.Object);
            }
        }

        return version;
    }

    private void Put(ObjectMeta meta, JsonElement source)
    {
        Entry? known = _entries.GetValueOrDefault(meta.Key);
        bool isSame = known?.Meta.Uid == meta.Uid;
        if (!isSame || (known!.Meta.ResourceVersion != meta.ResourceVersion && meta.IsNewerThan(known.Meta)))
        {
            Put(meta.Key, known, new Entry(meta, read(source, isSame ? known!.Object : default)));
        }
    }

    private void Put(string key, Entry? known, Entry entry)
    {
        _entries[key] = entry;
        Tell(new Change<T>(key, known is null ? default : known.Object, entry.Object));
    }

    private void Remove(string key)
    {
        if (_entries.Remove(key, out Entry? gone))
        {
            Tell(new Change<T>(key, gone.Object, default));
        }
    }

    private void Tell(Change<T> change)
    {
        Changed?.Invoke(change);
        Interlocked.Increment(ref _changeCount);
    }

    private sealed record Entry(ObjectMeta Meta, T Object);
}

/// <summary>A change of a reflector's copy.</summary>
/// <param name="Key">See <see cref="ObjectMeta.Key"/>.</param>
/// <param name="Before">
/// Default if the object is new. If one was deleted and another made with its name while nothing was heard, it is the deleted one.
/// </param>
/// <param name="After">Default if the object is gone.</param>
public sealed record Change<T>(string Key, T? Before, T? After);
