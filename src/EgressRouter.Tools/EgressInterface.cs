using EgressRouter.State;
using Netlink.Routing;

namespace EgressRouter.Tools;

/// <summary>Finds a pod's egress interface.</summary>
internal static class EgressInterface
{
    /// <summary>The names given by Multus and by the legacy network plugin.</summary>
    private static readonly string[] _usualNames = ["net1", "macvlan0"];

    /// <summary>
    /// Returns the named interface, else a router's egress interface, else <c>net1</c>, else <c>macvlan0</c>.
    /// </summary>
    /// <param name="name">The interface's name, or null if none is given.</param>
    /// <exception cref="UsageException">The pod has no such interface.</exception>
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

    /// <summary>Whether the link is the egress interface of a router: its link group marks it.</summary>
    public static bool IsEgress(Link link)
    {
        return link.Group == AttachmentNames.LinkGroup;
    }

    private static string Names(IReadOnlyList<Link> links) => string.Join(", ", links.Select(link => link.Name));
}
