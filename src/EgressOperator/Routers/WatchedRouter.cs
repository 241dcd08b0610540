using System.Collections.Immutable;
using System.Text.Json;
using EgressOperator.Objects;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>An EgressRouter.</summary>
/// <param name="Generation">The version of its spec; null if the API does not count them.</param>
/// <param name="IsDeleted">Whether it is being deleted.</param>
/// <param name="Conditions">Those that its status has.</param>
internal sealed record WatchedRouter(
    ObjectMeta Meta, DateTimeOffset Created, int? Generation, bool IsDeleted, RenderedRouter Rendered,
    ImmutableArray<RouterCondition> Conditions)
{
    /// <summary>Whether a condition is true.</summary>
    public bool Has(string type) => Conditions.Any(one => one.Type == type && one.Status);

    /// <param name="before">What it asked for before.</param>
    public static WatchedRouter Read(JsonElement source, RenderedRouter? before, RouterImages images)
    {
        KubernetesObject read = KubernetesObject.Of(RouterResources.EgressRouters, source);
        return new WatchedRouter(
            ObjectMeta.Of(source),
            read.Created,
            read.Root["metadata"]["generation"].Count(),
            !read.Root["metadata"]["deletionTimestamp"].IsMissing,
            RenderedRouter.Of(source, images, before),
            [.. read.Root["status"]["conditions"].Items().Select(RouterCondition.Read)]);
    }
}
