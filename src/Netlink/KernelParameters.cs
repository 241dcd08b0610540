using System.Runtime.InteropServices;
using System.Text;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>
/// Kernel parameters of the calling thread's network namespace: /proc/sys/net follows the thread that opens it
/// (network_namespaces(7)).
/// </summary>
public static unsafe class KernelParameters
{
    /// <summary>The value of a parameter that is a number; null where the namespace has none of this name.</summary>
    /// <param name="path">Below /proc/sys.</param>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText("/proc/sys/" + path).TrimEnd();
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes a parameter. With the plain calls: .NET's files are looked at and locked, which is half the time.</summary>
    /// <param name="path">Below /proc/sys.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="NetlinkException">It is not there (ENOENT), or cannot be written (EROFS, EACCES, EINVAL).</exception>
    public static void Write(string path, string value)
    {
        string operation = $"set sysctl {path}={value}";
        // Opened as it is, never created.
        int descriptor = Libc.Open("/proc/sys/" + path, O_WRONLY | O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }

        byte[] text = Encoding.ASCII.GetBytes(value);
        ssize_t written;
        int errno;
        fixed (byte* bytes = text)
        {
            do
            {
                // The value must arrive in one write.
                written = write(descriptor, bytes, text.Length);
                errno = written < 0 ? Marshal.GetLastPInvokeError() : Errno.EIO;
            }
            while (written < 0 && errno == Errno.EINTR);
        }

        _ = close(descriptor);
        if (written != text.Length)
        {
            throw new NetlinkException(operation, errno);
        }
    }
}
