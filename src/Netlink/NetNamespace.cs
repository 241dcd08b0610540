using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>Which network namespace a descriptor stands for; two are the same namespace when these are equal.</summary>
/// <param name="Device">The device number of the nsfs instance, major in the high half.</param>
/// <param name="Inode">The namespace's inode number, as in <c>net:[4026531840]</c>.</param>
public readonly record struct NamespaceIdentity(ulong Device, ulong Inode);

/// <summary>An open network namespace (namespaces(7), network_namespaces(7)).</summary>
public sealed unsafe class NetNamespace : IDisposable
{
    /// <summary>Where container runtimes keep the namespaces of their pods by name.</summary>
    public const string Folder = "/run/netns";

    private int _descriptor;
    private NamespaceIdentity? _identity;

    private NetNamespace(int descriptor, string path)
    {
        _descriptor = descriptor;
        Path = path;
    }

    /// <summary>The path that the namespace was opened by.</summary>
    public string Path { get; }

    /// <summary>Which namespace this is.</summary>
    /// <exception cref="NetlinkException">EINVAL: it is no network namespace.</exception>
    public NamespaceIdentity Identity => _identity ??= Identify(_descriptor, Path);

    /// <summary>The file descriptor, for IFLA_NET_NS_FD.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Opens a namespace by path, such as <c>/run/netns/NAME</c> or <c>/proc/PID/ns/net</c>.</summary>
    /// <exception cref="NetlinkException">
    /// The path cannot be opened (ENOENT: the namespace is gone), or is not a network namespace (EINVAL): nothing is
    /// done to a file, fifo or device that stands there instead.
    /// </exception>
    public static NetNamespace Open(string path)
    {
        NetNamespace opened = OpenUnchecked(path);
        try
        {
            _ = opened.Identity;
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Opens the namespace that the calling thread is in.</summary>
    /// <exception cref="NetlinkException">/proc is not there.</exception>
    public static NetNamespace OpenCurrent() => OpenUnchecked("/proc/thread-self/ns/net");

    private static NetNamespace OpenUnchecked(string path)
    {
        // O_NONBLOCK: a fifo that stands at the path must not hold the caller for ever.
        int descriptor = Libc.Open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
        return descriptor >= 0
            ? new NetNamespace(descriptor, path)
            : throw new NetlinkException($"open network namespace {path}", Marshal.GetLastPInvokeError());
    }

    /// <summary>
    /// Runs <paramref name="work"/> in this namespace, and returns to the one before. It is the calling thread that goes
    /// there (setns(2) is per thread): the work must not wait for others, and what it starts would stay there.
    /// </summary>
    /// <exception cref="NetlinkException">The namespace cannot be entered (EPERM: CAP_SYS_ADMIN is missing).</exception>
    public T Run<T>(Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        return Run(Enter, work);
    }

    /// <summary>Runs <paramref name="work"/> in a new namespace, which has nothing in it and goes away with the work.</summary>
    /// <exception cref="NetlinkException">No namespace can be made (EPERM: CAP_SYS_ADMIN is missing).</exception>
    public static void RunInNew(Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        Run(
            () =>
            {
                if (unshare(CLONE_NEWNET) < 0)
                {
                    throw new NetlinkException("make a network namespace", Marshal.GetLastPInvokeError());
                }
            },
            () =>
            {
                work();
                return true;
            });
    }

    private static T Run<T>(Action enter, Func<T> work)
    {
        using NetNamespace before = OpenCurrent();
        enter();
        try
        {
            return work();
        }
        finally
        {
            before.Return();
        }
    }

    /// <summary>As <see cref="Run{T}(Func{T})"/>, without a result.</summary>
    public void Run(Action work) => Run(() =>
    {
        work();
        return true;
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            _ = close(descriptor);
        }
    }

    private void Enter()
    {
        if (setns(_descriptor, CLONE_NEWNET) < 0)
        {
            throw new NetlinkException($"enter network namespace {Path}", Marshal.GetLastPInvokeError());
        }
    }

    /// <exception cref="InvalidOperationException">The thread stays in the wrong namespace: nothing that follows would be
    /// right.</exception>
    private void Return()
    {
        // What the kernel lacks at one moment it may have at the next.
        const int attempts = 3;
        for (int attempt = 1; setns(_descriptor, CLONE_NEWNET) < 0; attempt++)
        {
            if (attempt == attempts)
            {
                throw new InvalidOperationException(
                    $"cannot return to the network namespace before: errno {Marshal.GetLastPInvokeError()}");
            }
        }
    }

    private static NamespaceIdentity Identify(int descriptor, string path)
    {
        nint* fileSystem = stackalloc nint[256 / sizeof(nint)];
        if (Libc.Fstatfs(descriptor, fileSystem) < 0)
        {
            throw new NetlinkException($"inspect network namespace {path}", Marshal.GetLastPInvokeError());
        }

        // The file system is asked first: an ioctl on whatever device stands at the path could do anything.
        if (fileSystem[0] != Libc.NSFS_MAGIC || ioctl(descriptor, Libc.NS_GET_NSTYPE) != CLONE_NEWNET)
        {
            throw new NetlinkException($"open {path}: it is not a network namespace", Errno.EINVAL);
        }

        if (Libc.Statx(descriptor, "", AT_EMPTY_PATH, STATX_INO, out statx status) < 0)
        {
            throw new NetlinkException($"identify network namespace {path}", Marshal.GetLastPInvokeError());
        }

        return new NamespaceIdentity(((ulong)status.stx_dev_major << 32) | status.stx_dev_minor, status.stx_ino);
    }
}
