using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;

namespace EgressRouter.Tools;

/// <summary>Finds the network namespaces of pods.</summary>
internal static class PodNamespaces
{
    /// <summary>Opens the namespace that the operator names, or all that have an egress router if the operator names none.</summary>
    /// <param name="pid">A process in the namespace.</param>
    /// <param name="container">The ID of the router's container, or a prefix of it.</param>
    /// <returns>At least one namespace; the caller disposes them.</returns>
    /// <exception cref="UsageException">No namespace matches, or the container ID prefix is ambiguous.</exception>
    /// <exception cref="NetlinkException">A namespace cannot be opened.</exception>
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
            ? $"container {container}: {string.Join(", ", found.Select(pod => pod.Path))} match; give more characters of the ID"
            : $"no namespace in {NetNamespace.Folder} has an egress router{(container is null ? "" : $" of container {container}")}");
    }

    /// <param name="container">A prefix of the container ID, or null for every router.</param>
    private static List<NetNamespace> Search(string? container)
    {
        var found = new List<NetNamespace>();
        // The folder also has links to namespaces.
        var known = new HashSet<NamespaceIdentity>();
        foreach (string path in NetNamespace.ListNamed())
        {
            if (TryOpen(path) is not NetNamespace pod)
            {
                continue;
            }

            if (known.Add(pod.Identity) && IsMatch(pod, container))
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

    /// <summary>Returns null if the namespace vanished meanwhile, or was unmounted, which leaves an empty file.</summary>
    private static NetNamespace? TryOpen(string path)
    {
        try
        {
            return NetNamespace.Open(path);
        }
        catch (NetlinkException gone) when (gone.IsNamespaceGone)
        {
            return null;
        }
    }

    /// <summary>An unreadable namespace matches if all routers are requested, so that it is reported.</summary>
    private static bool IsMatch(NetNamespace pod, string? container)
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
