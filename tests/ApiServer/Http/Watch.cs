using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ApiServer;

/// <summary>One watch, from its first line to its end.</summary>
internal sealed class Watch(
    HttpContext http, ApiRequest request, Kind kind, Representation representation, Cluster cluster, Knobs knobs, Fault? fault)
{
    private readonly Selection _selection = new(request, kind);

    private int _lines;

    /// <summary>Whether it delivers nothing any more, and does not end: a half-open connection.</summary>
    public volatile bool IsMute;

    public async Task Run()
    {
        long? from = Reads.RevisionOf(request);
        request.Status = 200;
        http.Response.ContentType = "application/json";
        Subscription subscription;
        try
        {
            subscription = cluster.Store.Subscribe(kind.Storage, from is 0 ? null : from);
        }
        catch (ApiError error)
        {
            await Send("ERROR", error.ToStatus().Bytes());
            return;
        }

        knobs.Watches[this] = http;
        try
        {
            await http.Response.StartAsync(http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            foreach (Stored stored in subscription.Initial.Where(_selection.Matches))
            {
                await Send("ADDED", stored);
            }

            await Follow(subscription);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone, or the watch was cut.
        }
        finally
        {
            knobs.Watches.TryRemove(this, out _);
            cluster.Store.Unsubscribe(subscription);
        }
    }

    private async Task Follow(Subscription subscription)
    {
        TimeSpan limit = TimeSpan.FromSeconds(
            int.TryParse(request.Query.GetValueOrDefault("timeoutSeconds"), CultureInfo.InvariantCulture, out int seconds) && seconds > 0
                ? seconds
                : 1800);
        long began = Stopwatch.GetTimestamp();
        bool wantsBookmarks = request.Query.GetValueOrDefault("allowWatchBookmarks") is "true" or "1";
        Task<bool> ready = subscription.Changes.WaitToReadAsync(http.RequestAborted).AsTask();
        while (IsMute || Stopwatch.GetElapsedTime(began) < limit)
        {
            TimeSpan left = limit - Stopwatch.GetElapsedTime(began);
            TimeSpan pause = IsMute || left > knobs.BookmarkInterval ? knobs.BookmarkInterval : left;
            await Task.WhenAny(ready, Task.Delay(pause < TimeSpan.Zero ? TimeSpan.Zero : pause, http.RequestAborted));
            http.RequestAborted.ThrowIfCancellationRequested();
            if (!ready.IsCompleted)
            {
                if (cluster.Kinds.Find(kind.Group, kind.Version, kind.Plural) is null)
                {
                    return;
                }

                await SendBookmark(subscription, wantsBookmarks);
                continue;
            }

            while (subscription.Changes.TryRead(out Change? change))
            {
                await Send(change);
            }

            ready = subscription.Changes.WaitToReadAsync(http.RequestAborted).AsTask();
        }
    }

    /// <summary>An object that enters the selection was added, one that leaves it was deleted.</summary>
    private Task Send(Change change)
    {
        bool was = change.Old is not null && _selection.Matches(change.Old);
        bool isThere = change.New is not null && _selection.Matches(change.New);
        return (was, isThere) switch
        {
            (false, false) => Task.CompletedTask,
            (false, true) => Send("ADDED", change.New!),
            (true, true) => Send("MODIFIED", change.New!),
            (true, false) => Send("DELETED", change.Last!),
        };
    }

    private Task SendBookmark(Subscription subscription, bool isWanted)
    {
        if (!isWanted || !knobs.SendsBookmarks || cluster.Store.ProgressOf(subscription) is not long revision)
        {
            return Task.CompletedTask;
        }

        return Send("BOOKMARK", new JsonObject
        {
            ["kind"] = kind.Name,
            ["apiVersion"] = kind.ApiVersion,
            ["metadata"] = new JsonObject
            {
                ["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture),
                ["creationTimestamp"] = null,
            },
        }.Bytes());
    }

    private Task Send(string type, Stored stored) => Send(type, representation.One(stored, _lines == 0));

    private async Task Send(string type, byte[] value)
    {
        if (IsMute)
        {
            return;
        }

        byte[] line = [.. Encoding.UTF8.GetBytes($"{{\"type\":\"{type}\",\"object\":"), .. value, .. "}\n"u8];
        bool isFaulty = fault is { Kind: FaultKind.CutLine or FaultKind.DamagedLine } && fault.Lines == _lines;
        _lines++;
        if (isFaulty && fault!.Kind == FaultKind.CutLine)
        {
            await http.Response.Body.WriteAsync(line.AsMemory(0, line.Length / 2), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            // The half line must leave before the reset, which would overtake it.
            await Task.Delay(50, http.RequestAborted);
            http.Abort();
            return;
        }

        if (isFaulty)
        {
            await http.Response.Body.WriteAsync("{\"type\":\"MODIFIED\",\"object\":{\"kind\":\n"u8.ToArray(), http.RequestAborted);
        }

        await http.Response.Body.WriteAsync(line, http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }
}
