using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>Converts between <see cref="Link"/> and <see cref="LinkState"/>.</summary>
internal static class LinkMapping
{
    public static LinkState FromKernel(this Link link) => new(link.Name, link.Kind, ParentOf(link), link.Settings);

    /// <summary>Adds the request that creates the link in the pod's namespace.</summary>
    public static void WriteTo(this LinkState link, RequestBatch batch, PlanStep step, int pod) =>
        batch.CreateLink(step, new LinkRequest(link.Name, link.Kind!, link.Parent!.Index, link.Settings, pod));

    private static ParentLink? ParentOf(Link link) =>
        link is { ParentElsewhere: true, ParentIndex: int parent } ? new ParentLink(parent, null) : null;
}
