using EgressRouter.State;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Kernel;

/// <summary>
/// The kernel has one mode for all ipvlans of a parent, and each new ipvlan sets it. The node's namespace does not show the
/// ipvlans in pods, so this class looks up the mode in the pods, and refuses a parent whose mode differs or is unknown.
/// </summary>
internal static class IpvlanParent
{
    /// <summary>The time limit for reading all pods together.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(5);

    private const long MostBytes = 1024 * 1024;

    /// <summary>Checks before an ipvlan is created that it changes no other ipvlan's mode.</summary>
    /// <param name="step">The ipvlan to create.</param>
    /// <param name="node">A route socket in the node's namespace.</param>
    /// <param name="pod">The pod's namespace, which is the calling thread's.</param>
    /// <param name="log">Receives namespaces that cannot be read.</param>
    /// <exception cref="NetlinkException">EBUSY: the parent has, or may have, ipvlans of another mode.</exception>
    public static void RequireMode(
        CreateLink step, AttachmentNames names, NetlinkSocket node, NetNamespace nodeSpace, NetNamespace pod, ILogger? log)
    {
        int parent = step.Link.Parent!.Index;
        if (IsFree(parent, names, node, pod))
        {
            return;
        }

        LinkKind? found = FindMode(parent, nodeSpace, log);
        if (found != step.Link.Kind)
        {
            throw new NetlinkException(step.ToString(), Errno.EBUSY, found is null
                ? $"the parent is used by a bridge, a bond, a macvlan, or an ipvlan in a namespace outside {NetNamespace.Folder}"
                : $"the parent has ipvlans of mode {found.Mode}, and they would get mode {step.Link.Kind?.Mode} too, since the kernel has one for all of a parent");
        }
    }

    /// <summary>
    /// Whether the parent has no ipvlan in any namespace: only then the kernel allows a macvlan on it, which is deleted at once. Any
    /// other problem of the parent also makes the creation of the ipvlan fail.
    /// </summary>
    private static bool IsFree(int parent, AttachmentNames names, NetlinkSocket node, NetNamespace pod)
    {
        const string operation = "look whether the parent has ipvlans";
        var batch = new RequestBatch();
        batch.CreateLink(operation, new LinkRequest(
            names.TemporaryInterface, new Macvlan(MacvlanMode.Private), parent, new LinkSettings { Group = AttachmentNames.LinkGroup },
            pod.Descriptor));
        if (node.TryExecute(batch) is [RefusedRequest refused, ..])
        {
            return refused.Error.Number == Errno.EEXIST ? throw refused.Error
                : refused.Error.Number is not (Errno.EBUSY or Errno.EOPNOTSUPP);
        }

        using NetlinkSocket route = NetlinkSocket.OpenRoute();
        Link made = route.GetLinkNamed(names.TemporaryInterface) ?? throw new NetlinkException(operation, Errno.ENODEV);
        var removal = new RequestBatch();
        removal.DeleteLink(operation, made.Index);
        route.Execute(removal);
        return true;
    }

    /// <summary>The mode of the parent's first ipvlan found in a pod or, as the last resort, on the node; null if none is found.</summary>
    private static LinkKind? FindMode(int parent, NetNamespace nodeSpace, ILogger? log)
    {
        var budget = new ReadBudget(MostBytes, _longest);
        return NetNamespace.ListNamed().Append(nodeSpace.Path)
            .Select(path => ModeIn(path, parent, nodeSpace, budget, log)).FirstOrDefault(mode => mode is not null);
    }

    private static LinkKind? ModeIn(string path, int parent, NetNamespace nodeSpace, ReadBudget budget, ILogger? log)
    {
        try
        {
            using NetNamespace? opened = path == nodeSpace.Path ? null : NetNamespace.Open(path);
            NetNamespace space = opened ?? nodeSpace;
            bool isNode = space.Identity == nodeSpace.Identity;
            return space.Run(() =>
            {
                using NetlinkSocket route = NetlinkSocket.OpenRoute(budget);
                Link[] ipvlans = [.. route.ListLinks(Ipvlan.KindName).Where(link => link.ParentIndex == parent)];
                // A pod may create nested namespaces with parents of the same index.
                int? number = isNode || ipvlans.Length == 0 ? null : route.NumberOf(nodeSpace);
                return ipvlans.FirstOrDefault(link => link.ParentNamespace == number && link.ParentElsewhere == !isNode)?.Kind;
            });
        }
        catch (NetlinkException unreadable)
        {
            // Namespaces come and go, and one pod's namespace must not stop the search in others.
            log?.Debug("namespace skipped: {Message:l}", [unreadable.Message]);
            return null;
        }
    }
}
