using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>The indexes of the links that steps name, each asked for once: a pod may have thousands of others.</summary>
internal sealed class LinkIndexes(NetlinkSocket route)
{
    private readonly Dictionary<string, int> _known = [];

    /// <summary>The index of a link.</summary>
    /// <exception cref="KeyNotFoundException">It is not there.</exception>
    public int Of(string name, string operation)
    {
        if (!_known.TryGetValue(name, out int index))
        {
            index = route.GetLinkNamed(name)?.Index ?? throw new KeyNotFoundException($"{operation}: there is no link {name}");
            _known.Add(name, index);
        }

        return index;
    }
}
