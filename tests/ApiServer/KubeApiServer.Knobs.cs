namespace ApiServer;

/// <summary>Faults, and what was asked.</summary>
public sealed partial class KubeApiServer
{
    /// <summary>All requests so far, oldest first.</summary>
    public IReadOnlyList<ApiRequest> Requests => _knobs.Requests;

    /// <summary>How many watches are open.</summary>
    public int WatchCount => _knobs.Watches.Count;

    /// <summary>Whether watches that want bookmarks get them.</summary>
    public bool SendsBookmarks
    {
        get => _knobs.SendsBookmarks;
        set => _knobs.SendsBookmarks = value;
    }

    /// <summary>How often: at first once a second, where real servers take a minute.</summary>
    public TimeSpan BookmarkInterval
    {
        get => _knobs.BookmarkInterval;
        set => _knobs.BookmarkInterval = value;
    }

    /// <summary>How many changes are kept for watches that begin later. At first 10,000.</summary>
    public int HistoryLimit
    {
        get => _cluster.Store.HistoryLimit;
        set => _cluster.Store.HistoryLimit = value;
    }

    /// <summary>Forgets the requests so far.</summary>
    public void ForgetRequests() => _knobs.Forget();

    /// <summary>Adds a fault. If several match a request, the oldest happens.</summary>
    /// <param name="when">Null: each request.</param>
    /// <param name="times">How often it happens.</param>
    public FaultRule Add(Fault fault, Func<ApiRequest, bool>? when = null, int times = 1) =>
        _knobs.Add(new FaultRule(when ?? (_ => true), fault, times));

    /// <summary>Cuts all watches.</summary>
    public void CutWatches() => _knobs.CutWatches();

    /// <summary>The watches of now stay open, but nothing comes any more: half-open connections. New watches are well.</summary>
    public void MuteWatches() => _knobs.MuteWatches();

    /// <summary>Forgets the past: a watch or a continue token from an older version gets 410.</summary>
    public void ExpireHistory() => _cluster.Store.Forget();

    /// <summary>The state of now, for <see cref="Restore"/>.</summary>
    public StoreBackup Backup() => _cluster.Store.Backup();

    /// <summary>Cuts all watches and goes back to an older state, with its older resourceVersion, as a restored etcd does.</summary>
    public void Restore(StoreBackup backup)
    {
        _cluster.Restore(backup);
        CutWatches();
    }
}
