using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>Identifies a network namespace; equal identities mean the same namespace.</summary>
/// <param name="Device">The device number of the nsfs instance; the major number is in the upper 32 bits.</param>
/// <param name="Inode">The namespace's inode number, as in <c>net:[4026531840]</c>.</param>
public readonly record struct NamespaceIdentity(ulong Device, ulong Inode);

/// <summary>An open network namespace (namespaces(7), network_namespaces(7)).</summary>
public sealed unsafe class NetNamespace : IDisposable
{
    /// <summary>The directory in which container runtimes mount the namespaces of pods.</summary>
    public const string Folder = "/run/netns";

    private int _descriptor;
    private NamespaceIdentity? _identity;

    private NetNamespace(int descriptor, string path)
    {
        _descriptor = descriptor;
        Path = path;
    }

    /// <summary>The path from which the namespace was opened.</summary>
    public string Path { get; }

    /// <summary>The identity of the namespace.</summary>
    /// <exception cref="NetlinkException">EINVAL: the file is not a network namespace.</exception>
    public NamespaceIdentity Identity => _identity ??= Identify(_descriptor, Path);

    /// <summary>The file descriptor, for IFLA_NET_NS_FD.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Opens a namespace by path, such as <c>/run/netns/NAME</c> or <c>/proc/PID/ns/net</c>.</summary>
    /// <exception cref="NetlinkException">
    /// The path cannot be opened (ENOENT: the namespace is gone) or is not a network namespace (EINVAL). Any other file, fifo
    /// or device at the path is left untouched.
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

    /// <summary>Opens the calling thread's namespace.</summary>
    /// <exception cref="NetlinkException">/proc is not mounted.</exception>
    public static NetNamespace OpenCurrent() => OpenUnchecked("/proc/thread-self/ns/net");

    /// <summary>The paths of all files in <see cref="Folder"/>, in order. An unmounted namespace leaves an empty file.</summary>
    public static string[] ListNamed()
    {
        string[] paths = Directory.Exists(Folder) ? Directory.GetFiles(Folder) : [];
        Array.Sort(paths, StringComparer.Ordinal);
        return paths;
    }

    private static NetNamespace OpenUnchecked(string path)
    {
        // O_NONBLOCK: opening a fifo must not block.
        int descriptor = Libc.Open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
        return descriptor >= 0
            ? new NetNamespace(descriptor, path)
            : throw new NetlinkException($"open network namespace {path}", Marshal.GetLastPInvokeError());
    }

    /// <summary>
    /// Runs <paramref name="work"/> in this namespace and then returns to the previous one. setns(2) moves only the calling
    /// thread: the work must not await other threads, and a thread that it starts stays in this namespace.
    /// </summary>
    /// <exception cref="NetlinkException">
    /// The namespace cannot be entered (EPERM: CAP_SYS_ADMIN is missing, which is not needed where the thread is already).
    /// </exception>
    public T Run<T>(Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        using (NetNamespace current = OpenCurrent())
        {
            if (current.Identity == Identity)
            {
                return work();
            }
        }

        return Run(Enter, work);
    }

    /// <summary>Runs <paramref name="work"/> in a new, empty namespace, which the kernel removes afterwards.</summary>
    /// <exception cref="NetlinkException">The kernel cannot create a namespace (EPERM: CAP_SYS_ADMIN is missing).</exception>
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

    /// <summary>Like <see cref="Run{T}(Func{T})"/>, without a result.</summary>
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

    /// <exception cref="InvalidOperationException">The thread is stuck in the wrong namespace; the process cannot continue.</exception>
    private void Return()
    {
        // A shortage of kernel resources can be temporary.
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

        // Check the file system first: on another file, such as a device, the ioctl could have any effect.
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
