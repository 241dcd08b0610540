using EgressRouter.State;
using Netlink.Routing;

namespace EgressRouter.Tools;

/// <summary>Which of a pod's interfaces is the egress one.</summary>
internal static class EgressInterface
{
    /// <summary>What Multus, or the legacy network plugin, calls it.</summary>
    private static readonly string[] _usualNames = ["net1", "macvlan0"];

    /// <summary>
    /// The interface: the one that is named, else the one that is a router's already, else <c>net1</c>, else <c>macvlan0</c>.
    /// </summary>
    /// <param name="name">Its name; null where none is given.</param>
    /// <exception cref="UsageException">There is none.</exception>
    public static Link Find(IReadOnlyList<Link> links, string? name)
    {
        Link? Named(string wanted) => links.FirstOrDefault(link => link.Name == wanted);
        if (name is not null)
        {
            return Named(name) ?? throw new UsageException($"the pod has no interface {name}; it has {Names(links)}");
        }

        return links.FirstOrDefault(IsEgress)
            ?? _usualNames.Select(Named).OfType<Link>().FirstOrDefault()
            ?? throw new UsageException(
                $"the pod has neither an egress interface, nor one of the name {string.Join(" or ", _usualNames)}: it has {Names(links)}; --interface names another");
    }

    /// <summary>Whether it is the egress interface of a router.</summary>
    public static bool IsEgress(Link link)
    {
        return link.Group == AttachmentNames.LinkGroup;
    }

    private static string Names(IReadOnlyList<Link> links) => string.Join(", ", links.Select(link => link.Name));
}
