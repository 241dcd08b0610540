using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;

namespace EgressRouter.Tools;

/// <summary>Finds the network namespaces of pods.</summary>
public static class PodNamespaces
{
    /// <summary>Where container runtimes keep the namespaces of their pods by name.</summary>
    public const string Folder = "/run/netns";

    /// <summary>The one that an operator names; all that have an egress router where he names none.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="pid">A process in it.</param>
    /// <param name="container">The container that the router was made for, or the beginning of its id.</param>
    /// <returns>At least one, to be disposed of.</returns>
    /// <exception cref="InputException">There is none, or several are meant.</exception>
    /// <exception cref="NetlinkException">It cannot be opened.</exception>
    public static IReadOnlyList<NetNamespace> Find(string? path, int? pid, string? container)
    {
        if ((path is null ? 0 : 1) + (pid is null ? 0 : 1) + (container is null ? 0 : 1) > 1)
        {
            throw new InputException("one of --netns, --pid and --container is enough");
        }

        if (path is not null || pid is not null)
        {
            return [NetNamespace.Open(path ?? $"/proc/{pid}/ns/net")];
        }

        List<NetNamespace> found = Search(owner => container is null || owner?.Container.StartsWith(container, StringComparison.Ordinal) == true);
        if (found.Count > 0 && (container is null || found.Count == 1))
        {
            return found;
        }

        foreach (NetNamespace pod in found)
        {
            pod.Dispose();
        }

        throw new InputException(found.Count > 1
            ? $"container {container}: {string.Join(", ", found.Select(pod => pod.Path))} are meant, give more of its id"
            : $"no namespace in {Folder} has an egress router{(container is null ? "" : $" of container {container}")}");
    }

    private static List<NetNamespace> Search(Predicate<Owner?> isMeant)
    {
        var found = new List<NetNamespace>();
        foreach (string path in Directory.Exists(Folder) ? Directory.GetFiles(Folder).Order(StringComparer.Ordinal).ToArray() : [])
        {
            NetNamespace? pod = null;
            try
            {
                pod = NetNamespace.Open(path);
                if (pod.Run(() => Owners().Any(owner => isMeant(owner))))
                {
                    found.Add(pod);
                    pod = null;
                }
            }
            catch (NetlinkException gone) when (gone.Number is Errno.ENOENT or Errno.EINVAL)
            {
                // Namespaces come and go meanwhile, and one that was unmounted leaves an empty file.
            }
            finally
            {
                pod?.Dispose();
            }
        }

        return found;
    }

    private static Owner?[] Owners()
    {
        using PodNetwork network = PodNetwork.Open();
        return [.. network.ListAttachments().Select(known => known.Memory.Owner)];
    }
}
