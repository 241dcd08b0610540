using EgressRouter.State;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Kernel;

/// <summary>
/// The kernel has one mode for all ipvlans of a parent, and whoever makes one sets it, also who names none. Of those that are in
/// pods the node sees nothing: so the mode is looked for in the pods, and none is made where it is another, or is not found.
/// </summary>
internal static class IpvlanParent
{
    /// <summary>What is read of all pods together.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(5);

    private const long MostBytes = 1024 * 1024;

    /// <summary>Before an ipvlan is made: that nobody else's gets another mode by it.</summary>
    /// <param name="step">The ipvlan.</param>
    /// <param name="names">The attachment.</param>
    /// <param name="node">A route socket of the node's namespace.</param>
    /// <param name="nodeSpace">The node's namespace.</param>
    /// <param name="pod">The pod's namespace, which the calling thread is in.</param>
    /// <param name="log">Hears of what cannot be read.</param>
    /// <exception cref="NetlinkException">EBUSY: the parent has ipvlans of another mode, or may have.</exception>
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
                ? "the parent is in use by something that takes all it receives: a bridge, a bond, a macvlan, or an ipvlan in a namespace that is not "
                    + $"in {NetNamespace.Folder}, which would get the mode of this one"
                : $"the parent has ipvlans of mode {found.Mode}, and they would get mode {step.Link.Kind?.Mode} too, since the kernel has one for all of a parent");
        }
    }

    /// <summary>
    /// Whether the parent has no ipvlan, wherever. The kernel makes a macvlan on it then; it goes at once. What is wrong with a
    /// parent otherwise, it says of the ipvlan too.
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

    /// <summary>The mode of the first ipvlan of the parent that is found in a pod, or at last on the node.</summary>
    private static LinkKind? FindMode(int parent, NetNamespace nodeSpace, ILogger? log)
    {
        var budget = new ReadBudget(MostBytes, _longest);
        string[] paths = Directory.Exists(NetNamespace.Folder) ? Directory.GetFiles(NetNamespace.Folder) : [];
        return paths.Append(nodeSpace.Path).Select(
            path => ModeIn(path, parent, nodeSpace, budget, log)).FirstOrDefault(mode => mode is not null);
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
                // A pod may make namespaces, and parents of the same number in them.
                int? number = isNode || ipvlans.Length == 0 ? null : route.NumberOf(nodeSpace);
                return ipvlans.FirstOrDefault(link => link.ParentNamespace == number && link.ParentElsewhere == !isNode)?.Kind;
            });
        }
        catch (NetlinkException unreadable)
        {
            // Namespaces come and go; whatever a pod has made of its own must not keep others from being looked at.
            log?.Debug("not looked into: {Message:l}", [unreadable.Message]);
            return null;
        }
    }
}
