using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kubernetes;

/// <summary>The requests that controllers need. Objects are JSON, so that nothing of them is lost.</summary>
/// <remarks>Each method throws <see cref="ApiException"/> if the server refuses or does not answer in time.</remarks>
public interface IKubernetesApi
{
    /// <summary>One page of a list. A page with a continue token is not the last.</summary>
    Task<ObjectPage> ListPageAsync(
        Resource resource, Selection selection, int limit, string? continueToken, CancellationToken cancellation);

    /// <summary>Changes since a resource version. Ends when the server ends it, at the latest after the duration.</summary>
    IAsyncEnumerable<WatchEvent> WatchAsync(
        Resource resource, Selection selection, string resourceVersion, TimeSpan duration, CancellationToken cancellation);

    /// <summary>One object.</summary>
    Task<JsonElement> GetAsync(Resource resource, string? space, string name, CancellationToken cancellation);

    /// <summary>Makes an object.</summary>
    Task<JsonElement> CreateAsync(Resource resource, string? space, JsonObject source, CancellationToken cancellation);

    /// <summary>Replaces an object. With metadata.resourceVersion it succeeds only if nobody has changed the object since.</summary>
    Task<JsonElement> ReplaceAsync(Resource resource, string? space, string name, JsonObject source, CancellationToken cancellation);

    /// <summary>
    /// Server-side apply ("Server-Side Apply" in the Kubernetes documentation): the fields in <paramref name="source"/> become as they
    /// are there, and those that the same field manager applied before and that are missing now are removed.
    /// </summary>
    /// <param name="subresource">For example <c>status</c>; null for the object itself.</param>
    /// <param name="force">Whether to take over fields that another manager has set to other values.</param>
    Task<JsonElement> ApplyAsync(
        Resource resource, string? space, string name, string? subresource, JsonObject source, string fieldManager, bool force,
        CancellationToken cancellation);

    /// <summary>Deletes an object, and in the background what it owns.</summary>
    /// <param name="uid">The object's: another one of this name stays, and the answer is a conflict.</param>
    /// <param name="isLast">Whether the objects that it owns go first. Until then it is there, and is being deleted.</param>
    Task DeleteAsync(Resource resource, string? space, string name, string uid, CancellationToken cancellation, bool isLast = false);

    /// <summary>Names of what the server has of a group and version: <c>egressips</c>, <c>egressips/status</c>.</summary>
    /// <returns>None if the server does not know the group or the version.</returns>
    Task<IReadOnlySet<string>> ResourceNamesAsync(Resource resource, CancellationToken cancellation);
}

/// <summary>One page of a list.</summary>
/// <param name="ResourceVersion">The state of the whole list, from which a watch can go on.</param>
/// <param name="Continue">For the next page; null if this is the last.</param>
public sealed record ObjectPage(IReadOnlyList<JsonElement> Items, string ResourceVersion, string? Continue);

/// <summary>A line of a watch.</summary>
/// <param name="Object">For <see cref="WatchEventType.Bookmark"/> only its metadata.resourceVersion counts.</param>
public sealed record WatchEvent(WatchEventType Type, JsonElement Object);

/// <summary>Types of watch events ("Kubernetes API Concepts": efficient detection of changes).</summary>
public enum WatchEventType
{
    /// <summary>An object is new, or the selection includes it now.</summary>
    Added,

    /// <summary>An object has changed.</summary>
    Modified,

    /// <summary>An object is gone, or the selection no longer includes it.</summary>
    Deleted,

    /// <summary>Nothing has changed until this resource version.</summary>
    Bookmark,
}

/// <summary>Lists.</summary>
public static class ObjectLists
{
    private const int PageSize = 500;

    /// <summary>The pages of a list, as they come.</summary>
    /// <exception cref="ApiException">
    /// Also with <see cref="ApiException.IsExpired"/>, if the list took longer than the server keeps its state: then begin again.
    /// </exception>
    public static async IAsyncEnumerable<ObjectPage> PagesAsync(
        this IKubernetesApi api, Resource resource, Selection selection, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(api);
        string? token = null;
        do
        {
            ObjectPage page = await api.ListPageAsync(resource, selection, PageSize, token, cancellation);
            yield return page;
            token = page.Continue;
        }
        while (token is not null);
    }

    /// <summary>All pages of a list in one.</summary>
    /// <exception cref="ApiException">As for <see cref="PagesAsync"/>.</exception>
    public static async Task<ObjectPage> ListAsync(
        this IKubernetesApi api, Resource resource, Selection selection, CancellationToken cancellation)
    {
        List<JsonElement> items = [];
        string version = "";
        await foreach (ObjectPage page in api.PagesAsync(resource, selection, cancellation))
        {
            items.AddRange(page.Items);
            version = page.ResourceVersion;
        }

        return new ObjectPage(items, version, Continue: null);
    }
}
