using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>The indexes of the links that steps name, each asked for once: a pod may have thousands of others.</summary>
internal sealed class LinkIndexes(NetlinkSocket route)
{
    private readonly Dictionary<string, int> _known = [];

    /// <summary>The index of a link.</summary>
    /// <exception cref="NetlinkException">ENODEV: it is not there.</exception>
    public int Of(string name, PlanStep step)
    {
        if (!_known.TryGetValue(name, out int index))
        {
            index = route.GetLinkNamed(name)?.Index
                ?? throw new NetlinkException($"{step}", Errno.ENODEV, $"there is no link {name}");
            _known.Add(name, index);
        }

        return index;
    }
}
