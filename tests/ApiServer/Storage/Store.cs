using System.Collections.Immutable;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace ApiServer;

/// <summary>All objects, one revision for all of them, and the changes of the near past.</summary>
internal sealed class Store
{
    private readonly List<Change> _history = [];

    private readonly List<Subscription> _subscriptions = [];

    private ImmutableDictionary<string, ImmutableSortedDictionary<string, Stored>> _tables =
        ImmutableDictionary<string, ImmutableSortedDictionary<string, Stored>>.Empty;

    /// <summary>Whoever reads and then writes holds it in between.</summary>
    public Lock Gate { get; } = new();

    /// <summary>How many changes are kept; a watch that wants older ones gets 410.</summary>
    public int HistoryLimit { get; set; } = 10_000;

    public long Revision { get; private set; } = 1;

    /// <summary>Objects that have owners or are being deleted.</summary>
    public HashSet<(string Storage, string Key)> Attended { get; } = [];

    /// <summary>Those of them that are being deleted.</summary>
    public HashSet<(string Storage, string Key)> Leaving { get; } = [];

    /// <summary>The newest revision that is forgotten.</summary>
    private long Forgotten { get; set; }

    public ImmutableSortedDictionary<string, Stored> All(string storage)
    {
        lock (Gate)
        {
            return _tables.GetValueOrDefault(storage) ?? ImmutableSortedDictionary.Create<string, Stored>(StringComparer.Ordinal);
        }
    }

    public Stored? Find(string storage, string key) => All(storage).GetValueOrDefault(key);

    /// <summary>All objects of all kinds.</summary>
    public IEnumerable<(string Storage, string Key, Stored Stored)> Everything()
    {
        lock (Gate)
        {
            return _tables.SelectMany(table => table.Value.Select(entry => (table.Key, entry.Key, entry.Value)));
        }
    }

    /// <summary>The objects as they were at a revision.</summary>
    /// <exception cref="ApiError">It is forgotten.</exception>
    public ImmutableSortedDictionary<string, Stored> AllAt(string storage, long revision)
    {
        lock (Gate)
        {
            return revision < Forgotten
                ? throw ApiError.Expired("The resourceVersion for the provided list is too old.")
                : _history.Find(change => change.Revision > revision && change.Storage == storage)?.Before ?? All(storage);
        }
    }

    /// <summary>Stores an object, which is the store's from then on.</summary>
    public Stored Put(string storage, string key, JsonObject value)
    {
        lock (Gate)
        {
            Revision++;
            value.Metadata()["resourceVersion"] = Revision.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var stored = new Stored(value);
            ImmutableSortedDictionary<string, Stored> before = All(storage);
            _tables = _tables.SetItem(storage, before.SetItem(key, stored));
            Record(new Change(Revision, storage, key, before.GetValueOrDefault(key), stored, before));
            Attend(storage, key, stored);
            return stored;
        }
    }

    public void Remove(string storage, string key)
    {
        lock (Gate)
        {
            ImmutableSortedDictionary<string, Stored> before = All(storage);
            if (before.TryGetValue(key, out Stored? old))
            {
                Revision++;
                _tables = _tables.SetItem(storage, before.Remove(key));
                Record(new Change(Revision, storage, key, old, null, before));
                Attend(storage, key, null);
            }
        }
    }

    /// <summary>Begins a watch.</summary>
    /// <param name="from">Changes after this revision; null: all objects of now first.</param>
    /// <exception cref="ApiError">The revision is forgotten.</exception>
    public Subscription Subscribe(string storage, long? from)
    {
        lock (Gate)
        {
            if (from < Forgotten)
            {
                throw ApiError.Expired(string.Create(
                    System.Globalization.CultureInfo.InvariantCulture, $"too old resource version: {from} ({Forgotten})"));
            }

            var subscription = new Subscription(storage, from ?? Revision, from is null ? [.. All(storage).Values] : []);
            foreach (Change change in _history)
            {
                subscription.Offer(change);
            }

            _subscriptions.Add(subscription);
            return subscription;
        }
    }

    public void Unsubscribe(Subscription subscription)
    {
        lock (Gate)
        {
            _subscriptions.Remove(subscription);
        }
    }

    /// <summary>The revision up to which a watch has seen everything; null if changes wait to be read.</summary>
    public long? ProgressOf(Subscription subscription)
    {
        lock (Gate)
        {
            return subscription.Changes.Count == 0 ? Revision : null;
        }
    }

    /// <summary>Forgets all changes.</summary>
    public void Forget()
    {
        lock (Gate)
        {
            _history.Clear();
            Forgotten = Revision;
        }
    }

    /// <summary>A state that <see cref="Restore"/> brings back.</summary>
    public StoreBackup Backup()
    {
        lock (Gate)
        {
            return new StoreBackup(Revision, _tables);
        }
    }

    /// <summary>Goes back to an older state, with its older revision.</summary>
    public void Restore(StoreBackup backup)
    {
        lock (Gate)
        {
            (Revision, _tables) = (backup.Revision, backup.Tables);
            Attended.Clear();
            Leaving.Clear();
            foreach ((string storage, string key, Stored stored) in Everything())
            {
                Attend(storage, key, stored);
            }

            Forget();
        }
    }

    private void Attend(string storage, string key, Stored? stored)
    {
        Set(Attended, stored is { HasOwners: true } or { IsBeingDeleted: true });
        Set(Leaving, stored is { IsBeingDeleted: true });

        void Set(HashSet<(string, string)> objects, bool isIn)
        {
            if (isIn)
            {
                objects.Add((storage, key));
            }
            else
            {
                objects.Remove((storage, key));
            }
        }
    }

    private void Record(Change change)
    {
        _history.Add(change);
        if (_history.Count > HistoryLimit)
        {
            int count = _history.Count - HistoryLimit + (HistoryLimit / 10);
            Forgotten = _history[count - 1].Revision;
            _history.RemoveRange(0, count);
        }

        _subscriptions.ForEach(subscription => subscription.Offer(change));
    }
}

/// <summary>A state of the store.</summary>
public sealed class StoreBackup
{
    internal StoreBackup(long revision, ImmutableDictionary<string, ImmutableSortedDictionary<string, Stored>> tables) =>
        (Revision, Tables) = (revision, tables);

    internal long Revision { get; }

    internal ImmutableDictionary<string, ImmutableSortedDictionary<string, Stored>> Tables { get; }
}

/// <summary>The changes of one kind after a revision.</summary>
internal sealed class Subscription(string storage, long from, IReadOnlyList<Stored> initial)
{
    private readonly Channel<Change> _changes = Channel.CreateUnbounded<Change>();

    /// <summary>The objects that the watch shows first.</summary>
    public IReadOnlyList<Stored> Initial => initial;

    public ChannelReader<Change> Changes => _changes.Reader;

    public void Offer(Change change)
    {
        if (change.Storage == storage && change.Revision > from)
        {
            _changes.Writer.TryWrite(change);
        }
    }
}
