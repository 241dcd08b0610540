using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>Objects, without a request: nothing is recorded, checked or refused, and status is as good as spec.</summary>
public sealed partial class KubeApiServer
{
    /// <summary>Makes an object, or changes what is given of it (RFC 7386: null removes, lists are replaced).</summary>
    /// <param name="value">With apiVersion, kind and metadata.name; the namespace need not exist.</param>
    /// <returns>The object.</returns>
    public JsonObject Apply(JsonObject value)
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

    /// <summary>Applies all documents of a YAML text.</summary>
    public void ApplyYaml(string text)
    {
        foreach (JsonNode document in Yaml.ParseAll(text))
        {
            Apply((JsonObject)document);
        }
    }

    /// <summary>An object; null if there is none.</summary>
    /// <param name="resource">For example <c>egressips</c> or <c>leases.coordination.k8s.io</c>.</param>
    public JsonObject? Get(string resource, string name, string? space = null)
    {
        Kind kind = _cluster.Kinds.Named(resource);
        return _cluster.Store.Find(kind.Storage, kind.KeyOf(space ?? "default", name)) is Stored found
            ? kind.Read(found.Value).Copy()
            : null;
    }

    /// <summary>All objects of a kind, in order of namespace and name.</summary>
    /// <param name="resource">For example <c>egressips</c> or <c>events.events.k8s.io</c>.</param>
    /// <param name="space">Null: of all namespaces.</param>
    public IReadOnlyList<JsonObject> All(string resource, string? space = null)
    {
        Kind kind = _cluster.Kinds.Named(resource);
        return [.. _cluster.Store.All(kind.Storage).Values.Where(one => space is null || one.Namespace == space)
            .Select(one => kind.Read(one.Value).Copy())];
    }

    /// <summary>Deletes an object, with no time left for a pod; finalizers are waited for.</summary>
    public void Delete(string resource, string name, string? space = null)
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
