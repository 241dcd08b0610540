namespace ApiServer;

/// <summary>Watches and versions.</summary>
public sealed partial class KubeApiServer
{
    /// <summary>How many watches are open.</summary>
    public int WatchCount => Knobs.Watches.Count;

    /// <summary>Whether watches that want bookmarks get them.</summary>
    public bool SendsBookmarks
    {
        get => Knobs.SendsBookmarks;
        set => Knobs.SendsBookmarks = value;
    }

    /// <summary>How often: at first once a second, where real servers take a minute.</summary>
    public TimeSpan BookmarkInterval
    {
        get => Knobs.BookmarkInterval;
        set => Knobs.BookmarkInterval = value;
    }

    /// <summary>How many changes are kept for watches that begin later. At first 10,000.</summary>
    public int HistoryLimit
    {
        get => _cluster.Store.HistoryLimit;
        set => _cluster.Store.HistoryLimit = value;
    }

    /// <summary>Cuts all watches.</summary>
    public void CutWatches() => Knobs.CutWatches();

    /// <summary>The watches of now stay open, but nothing comes any more: half-open connections. New watches are well.</summary>
    public void MuteWatches() => Knobs.MuteWatches();

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
