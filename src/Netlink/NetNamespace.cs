using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Netlink;

/// <summary>Which network namespace a descriptor stands for; two are the same namespace when these are equal.</summary>
/// <param name="Device">The device number of the nsfs instance, major in the high half.</param>
/// <param name="Inode">The namespace's inode number, as in <c>net:[4026531840]</c>.</param>
public readonly record struct NamespaceIdentity(ulong Device, ulong Inode);

/// <summary>An open network namespace (namespaces(7), network_namespaces(7)).</summary>
public sealed unsafe class NetNamespace : IDisposable
{
    private int _descriptor;

    private NetNamespace(int descriptor, string path, NamespaceIdentity identity)
    {
        _descriptor = descriptor;
        Path = path;
        Identity = identity;
    }

    /// <summary>The path that the namespace was opened by.</summary>
    public string Path { get; }

    /// <summary>Which namespace this is.</summary>
    public NamespaceIdentity Identity { get; }

    /// <summary>The file descriptor, for IFLA_NET_NS_FD.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Opens a namespace by path, such as <c>/run/netns/NAME</c> or <c>/proc/PID/ns/net</c>.</summary>
    /// <exception cref="NetlinkException">
    /// The path cannot be opened (ENOENT: the namespace is gone), or is not a network namespace (EINVAL): nothing is
    /// done to a file, fifo or device that stands there instead.
    /// </exception>
    public static NetNamespace Open(string path)
    {
        // O_NONBLOCK: a fifo that stands at the path must not hold the caller for ever.
        int descriptor = Libc.Open(path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            throw new NetlinkException($"open network namespace {path}", Marshal.GetLastPInvokeError());
        }

        try
        {
            return new NetNamespace(descriptor, path, Identify(descriptor, path));
        }
        catch
        {
            _ = Libc.Close(descriptor);
            throw;
        }
    }

    /// <summary>Opens the namespace that the calling thread is in.</summary>
    /// <exception cref="NetlinkException">/proc is not there.</exception>
    public static NetNamespace OpenCurrent() => Open("/proc/thread-self/ns/net");

    /// <summary>
    /// Runs <paramref name="work"/> in this namespace, on a thread of its own that enters it and ends with the work.
    /// The caller's thread stays where it is (setns(2) is per thread). What the work throws is thrown to the caller.
    /// </summary>
    /// <exception cref="NetlinkException">The namespace cannot be entered (EPERM: CAP_SYS_ADMIN is missing).</exception>
    public T Run<T>(Func<T> work) => RunOnThread(Enter, work);

    /// <summary>Runs <paramref name="work"/> in a new namespace, which has nothing in it and goes away with the work.</summary>
    /// <exception cref="NetlinkException">No namespace can be made (EPERM: CAP_SYS_ADMIN is missing).</exception>
    public static void RunInNew(Action work) => RunOnThread(
        () =>
        {
            if (Libc.Unshare(Libc.CLONE_NEWNET) < 0)
            {
                throw new NetlinkException("make a network namespace", Marshal.GetLastPInvokeError());
            }
        },
        () =>
        {
            work();
            return true;
        });

    private static T RunOnThread<T>(Action enter, Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? fault = null;
        var thread = new Thread(() =>
        {
            try
            {
                enter();
                result = work();
            }
            catch (Exception exception)
            {
                // Not swallowed: it goes to the caller's thread, below.
                fault = ExceptionDispatchInfo.Capture(exception);
            }
        })
        { Name = "netns", IsBackground = true };
        thread.Start();
        thread.Join();
        fault?.Throw();
        return result;
    }

    /// <summary>As <see cref="Run{T}"/>, without a result.</summary>
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
            _ = Libc.Close(descriptor);
        }
    }

    private void Enter()
    {
        if (Libc.Setns(_descriptor, Libc.CLONE_NEWNET) < 0)
        {
            throw new NetlinkException($"enter network namespace {Path}", Marshal.GetLastPInvokeError());
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
        if (fileSystem[0] != Libc.NSFS_MAGIC || Libc.Ioctl(descriptor, Libc.NS_GET_NSTYPE) != Libc.CLONE_NEWNET)
        {
            throw new NetlinkException($"open {path}: it is not a network namespace", Errno.EINVAL);
        }

        byte* status = stackalloc byte[256];
        if (Libc.Statx(descriptor, "", Libc.AT_EMPTY_PATH, Libc.STATX_INO, status) < 0)
        {
            throw new NetlinkException($"identify network namespace {path}", Marshal.GetLastPInvokeError());
        }

        const int stxInode = 32;
        const int stxDevice = 136;
        var bytes = new ReadOnlySpan<byte>(status, 256);
        return new NamespaceIdentity(
            MemoryMarshal.Read<ulong>(bytes[stxDevice..]),
            MemoryMarshal.Read<ulong>(bytes[stxInode..]));
    }
}
