using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kubernetes.Tests.Infrastructure;

/// <summary>Counts the requests that are not answered yet, so that a test's clock can wait for them. It can fail as no API does.</summary>
internal sealed class CountingApi(KubernetesApi inner) : IKubernetesApi, IDisposable
{
    private int _open;

    public int Open => Volatile.Read(ref _open);

    /// <summary>Waits before each request: the server is slow.</summary>
    public Func<CancellationToken, Task> Slowness { get; set; } = _ => Task.CompletedTask;

    /// <summary>What each request throws; null: nothing.</summary>
    public Exception? Failure { get; set; }

    public void Dispose() => inner.Dispose();

    public Task<JsonElement> GetAsync(Resource resource, string? space, string name, CancellationToken cancellation) =>
        CountAsync(() => inner.GetAsync(resource, space, name, cancellation), cancellation);

    public Task<JsonElement> CreateAsync(Resource resource, string? space, JsonObject source, CancellationToken cancellation) =>
        CountAsync(() => inner.CreateAsync(resource, space, source, cancellation), cancellation);

    public Task<JsonElement> ReplaceAsync(
        Resource resource, string? space, string name, JsonObject source, CancellationToken cancellation) =>
        CountAsync(() => inner.ReplaceAsync(resource, space, name, source, cancellation), cancellation);

    public Task<ObjectPage> ListPageAsync(
        Resource resource, Selection selection, int limit, string? continueToken, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<WatchEvent> WatchAsync(
        Resource resource, Selection selection, string resourceVersion, TimeSpan duration, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<JsonElement> ApplyAsync(
        Resource resource, string? space, string name, string? subresource, JsonObject source, string fieldManager, bool force,
        CancellationToken cancellation) => throw new NotSupportedException();

    public Task DeleteAsync(
        Resource resource, string? space, string name, string uid, CancellationToken cancellation, bool isLast = false) =>
        throw new NotSupportedException();

    public Task<IReadOnlySet<string>> ResourceNamesAsync(Resource resource, CancellationToken cancellation) =>
        throw new NotSupportedException();

    private async Task<JsonElement> CountAsync(Func<Task<JsonElement>> request, CancellationToken cancellation)
    {
        await Slowness(cancellation);
        Interlocked.Increment(ref _open);
        try
        {
            return Failure is Exception failure ? throw failure : await request();
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}
