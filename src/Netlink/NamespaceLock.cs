using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>
/// An exclusive lock among all processes of the machine. It locks the file of the network namespace itself (flock(2)), so
/// it leaves no lock file behind and ends with the process at the latest.
/// </summary>
public static class NamespaceLock
{
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10);

    /// <summary>Takes the lock; waits at most 10 s for another holder.</summary>
    /// <param name="space">The namespace to lock.</param>
    /// <param name="operation">Names the operation in an error.</param>
    /// <returns>The held lock; disposing it releases it.</returns>
    /// <exception cref="NetlinkException">EBUSY: another process held the lock for 10 s.</exception>
    public static IDisposable Take(NetNamespace space, string operation)
    {
        // A separate descriptor: closing it releases the lock.
        int descriptor = Libc.Open($"/proc/self/fd/{space.Descriptor}", O_RDONLY | O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        long start = Stopwatch.GetTimestamp();
        while (Libc.Flock(descriptor, Libc.LOCK_EX | Libc.LOCK_NB) < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error is not (Errno.EAGAIN or Errno.EINTR) || Stopwatch.GetElapsedTime(start) > _longest)
            {
                handle.Dispose();
                throw error is Errno.EAGAIN or Errno.EINTR
                    ? new NetlinkException(
                        operation, Errno.EBUSY,
                        $"another process has held the lock for {_longest.TotalSeconds} s") : new NetlinkException(operation, error);
            }

            Thread.Sleep(5);
        }

        return handle;
    }
}
