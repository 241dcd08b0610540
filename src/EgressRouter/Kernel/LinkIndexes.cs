using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>The indexes of the links that steps name, each resolved once. A pod may have thousands of other links.</summary>
internal sealed class LinkIndexes(NetlinkSocket route)
{
    private readonly Dictionary<string, int> _known = [];

    /// <exception cref="NetlinkException">ENODEV: the link does not exist.</exception>
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
