using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;

namespace EgressRouter.Tools;

/// <summary>Finds the network namespaces of pods.</summary>
internal static class PodNamespaces
{
    /// <summary>The one that an operator names; all that have an egress router where he names none.</summary>
    /// <param name="pid">A process in it.</param>
    /// <param name="container">The container that the router was made for, or the beginning of its id.</param>
    /// <returns>At least one, to be disposed of.</returns>
    /// <exception cref="UsageException">There is none, or several are meant.</exception>
    /// <exception cref="NetlinkException">It cannot be opened.</exception>
    public static IReadOnlyList<NetNamespace> Find(string? path, int? pid, string? container)
    {
        if ((path is null ? 0 : 1) + (pid is null ? 0 : 1) + (container is null ? 0 : 1) > 1)
        {
            throw new UsageException("--netns, --pid and --container are mutually exclusive");
        }

        if (container is "")
        {
            throw new UsageException("--container is empty; it must be the beginning of a container ID");
        }

        if (path is not null || pid is not null)
        {
            return [NetNamespace.Open(path ?? $"/proc/{pid}/ns/net")];
        }

        List<NetNamespace> found = Search(container);
        if (found.Count > 0 && (container is null || found.Count == 1))
        {
            return found;
        }

        foreach (NetNamespace pod in found)
        {
            pod.Dispose();
        }

        throw new UsageException(found.Count > 1
            ? $"container {container}: {string.Join(", ", found.Select(pod => pod.Path))} are meant, give more of its id"
            : $"no namespace in {NetNamespace.Folder} has an egress router{(container is null ? "" : $" of container {container}")}");
    }

    /// <param name="container">The beginning of the container's id; null: every router is meant.</param>
    private static List<NetNamespace> Search(string? container)
    {
        var found = new List<NetNamespace>();
        // Links to namespaces stand there too.
        var known = new HashSet<NamespaceIdentity>();
        foreach (string path in Directory.Exists(NetNamespace.Folder) ? Directory.GetFiles(NetNamespace.Folder)
            .Order(StringComparer.Ordinal).ToArray() : [])
        {
            if (TryOpen(path) is not NetNamespace pod)
            {
                continue;
            }

            if (known.Add(pod.Identity) && IsMeant(pod, container))
            {
                found.Add(pod);
            }
            else
            {
                pod.Dispose();
            }
        }

        return found;
    }

    /// <summary>Namespaces come and go meanwhile, and one that was unmounted leaves an empty file.</summary>
    private static NetNamespace? TryOpen(string path)
    {
        try
        {
            return NetNamespace.Open(path);
        }
        catch (NetlinkException none) when (none.Number is not (Errno.EPERM or Errno.EACCES))
        {
            return null;
        }
    }

    /// <summary>What cannot be read is meant where all are: to be told of.</summary>
    private static bool IsMeant(NetNamespace pod, string? container)
    {
        try
        {
            return pod.Run(() => Owners()
                .Any(owner => container is null || owner?.Container.StartsWith(container, StringComparison.Ordinal) == true));
        }
        catch (Exception unreadable) when (unreadable is not NetlinkException { Number: Errno.EPERM or Errno.EACCES })
        {
            return container is null;
        }
    }

    private static Owner?[] Owners()
    {
        using PodNetwork network = PodNetwork.Open();
        return [.. network.ListAttachments().Select(known => known.Owner)];
    }
}
