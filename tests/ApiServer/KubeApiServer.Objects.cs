using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>Objects, without a request: nothing is recorded, checked or refused, and status is as good as spec.</summary>
public sealed partial class KubeApiServer
{
    /// <inheritdoc/>
    /// <remarks>By RFC 7386: null removes, lists are replaced. The namespace need not exist.</remarks>
    public override JsonObject Apply(JsonObject value)
    {
        Kind kind = _cluster.Kinds.Of(value);
        string? space = kind.IsNamespaced ? value.Text("metadata", "namespace") ?? "default" : null;
        lock (_cluster.Store.Gate)
        {
            JsonObject whole = Get(kind.Resource, value.Text("metadata", "name") ?? "", space) is JsonObject old
                ? MergePatch.Apply(old, value)
                : MergePatch.Apply([], value);
            return _cluster.Writer.Put(kind, space, whole).Copy();
        }
    }

    /// <inheritdoc/>
    public override JsonObject? Get(string resource, string name, string? space = null)
    {
        Kind kind = _cluster.Kinds.Named(resource);
        return _cluster.Store.Find(kind.Storage, kind.KeyOf(space ?? "default", name)) is Stored found
            ? kind.Read(found.Value).Copy()
            : null;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<JsonObject> All(string resource, string? space = null)
    {
        Kind kind = _cluster.Kinds.Named(resource);
        return [.. _cluster.Store.All(kind.Storage).Values.Where(one => space is null || one.Namespace == space)
            .Select(one => kind.Read(one.Value).Copy())];
    }

    /// <inheritdoc/>
    public override void Delete(string resource, string name, string? space = null)
    {
        Kind kind = _cluster.Kinds.Named(resource);
        string key = kind.KeyOf(space ?? "default", name);
        lock (_cluster.Store.Gate)
        {
            if (_cluster.Store.Find(kind.Storage, key) is Stored old)
            {
                _cluster.Collector.Delete(kind.Storage, key, old);
            }
        }
    }

    /// <summary>Waits until the objects of a kind are as wanted.</summary>
    /// <param name="resource">For example <c>egressips</c>.</param>
    /// <param name="limit">Null: ten seconds.</param>
    /// <exception cref="TimeoutException">They never were. The message has the objects.</exception>
    public async Task Until(string resource, Func<IReadOnlyList<JsonObject>, bool> isWanted, TimeSpan? limit = null)
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan most = limit ?? TimeSpan.FromSeconds(10);
        while (!isWanted(All(resource)))
        {
            if (Stopwatch.GetElapsedTime(began) > most)
            {
                throw new TimeoutException(
                    $"after {most.TotalSeconds} s {resource} are:\n{string.Join('\n', All(resource).Select(one => one.String()))}");
            }

            await Task.Delay(10);
        }
    }
}
