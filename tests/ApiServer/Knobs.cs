using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

namespace ApiServer;

/// <summary>What a test sets and reads while the server runs.</summary>
internal sealed class Knobs
{
    private readonly ConcurrentQueue<ApiRequest> _requests = new();

    private readonly ConcurrentQueue<FaultRule> _rules = new();

    /// <summary>The token that clients must have; null: none.</summary>
    public volatile string? Token;

    public volatile bool SendsBookmarks = true;

    /// <summary>The watches of now.</summary>
    public ConcurrentDictionary<Watch, HttpContext> Watches { get; } = new();

    public TimeSpan BookmarkInterval { get; set; } = TimeSpan.FromSeconds(1);

    public ApiRequest[] Requests => [.. _requests];

    public void Record(ApiRequest request) => _requests.Enqueue(request);

    public void Forget() => _requests.Clear();

    public FaultRule Add(FaultRule rule)
    {
        _rules.Enqueue(rule);
        return rule;
    }

    public Fault? FaultFor(ApiRequest request) => _rules.FirstOrDefault(rule => rule.Takes(request))?.Fault;

    public void CutWatches()
    {
        foreach (HttpContext http in Watches.Values)
        {
            http.Abort();
        }
    }

    public void MuteWatches()
    {
        foreach (Watch watch in Watches.Keys)
        {
            watch.IsMute = true;
        }
    }
}
