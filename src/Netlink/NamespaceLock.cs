using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>
/// Of all processes of a machine only one at a time does what it holds this for. The lock is on the network namespace itself (flock(2)):
/// it leaves no file behind, and ends with the process at the latest.
/// </summary>
public static class NamespaceLock
{
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10);

    /// <summary>Waits for it.</summary>
    /// <param name="space">The namespace.</param>
    /// <param name="operation">What it is for.</param>
    /// <returns>Dispose it to give it back.</returns>
    /// <exception cref="NetlinkException">EBUSY: another one has held it for all of 10 s.</exception>
    public static IDisposable Take(NetNamespace space, string operation)
    {
        // A descriptor of its own: the lock goes when that is closed.
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
                        $"somebody else has been at it for {_longest.TotalSeconds} s") : new NetlinkException(operation, error);
            }

            Thread.Sleep(5);
        }

        return handle;
    }
}
