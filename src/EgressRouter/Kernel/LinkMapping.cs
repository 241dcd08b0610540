using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>The egress interface between the kernel's terms and ours.</summary>
internal static class LinkMapping
{
    public static LinkState FromKernel(this Link link) => new(link.Name, link.Kind, ParentOf(link), link.Settings);

    /// <summary>Writes the request that makes the link in the pod's namespace.</summary>
    public static void WriteTo(this LinkState link, RequestBatch batch, PlanStep step, int pod) =>
        batch.CreateLink(step, new LinkRequest(link.Name, link.Kind!, link.Parent!.Index, link.Settings, pod));

    private static ParentLink? ParentOf(Link link) =>
        link is { ParentElsewhere: true, ParentIndex: int parent } ? new ParentLink(parent, null) : null;
}
